package rules

import "rewright/lint"

// speedRules are the family RD8, performance.
var speedRules = []*lint.Rule{
	&manyLiteralRedirects, &hostIfInsteadOfServer, &heavierDirectiveThanNeeded, &fileTestBeforePattern,
	&leadingDotStar,
}
