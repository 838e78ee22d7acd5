package rules

import "rewright/lint"

// statusRules are the family RD3, status codes and method.
var statusRules = []*lint.Rule{
	&notARedirectStatus, &noSuchStatus, &redirectWithoutTarget,
}
