package rules

import "rewright/lint"

// patternRules are the family RD5, patterns.
var patternRules = []*lint.Rule{
	&constantCondition, &contradictoryConditions, &tautologicalOr, &danglingOr, &unescapedDot,
	&queryInPathPattern, &fragmentInPattern, &encodedPattern, &alternationEscapesAnchor, &unanchoredPattern, &regexInPrefixDirective,
	&regexSlip, &invalidRegex, &impossiblePattern, &patternOutsideLocation,
}
