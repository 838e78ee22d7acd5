package rules

import "rewright/lint"

// patternRules are the family RD5, patterns.
var patternRules = []*lint.Rule{
	&constantCondition, &contradictoryConditions, &tautologicalOr, &danglingOr,
	&queryInPathPattern, &fragmentInPattern, &encodedPattern, &alternationEscapesAnchor, &regexInPrefixDirective,
	&invalidRegex, &impossiblePattern, &patternOutsideLocation,
}
