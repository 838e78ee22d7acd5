package rules

import "rewright/lint"

// styleRules are the family RD901 to RD903, style and portability.
var styleRules = []*lint.Rule{
	&untidy, &deprecatedDirective, &noPortableEquivalent,
}
