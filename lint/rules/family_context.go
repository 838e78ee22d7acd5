package rules

import "rewright/lint"

// contextRules are the family RD1, context and server behaviour.
var contextRules = []*lint.Rule{
	&orphanCondition, &directiveNotAllowedHere, &substitutionDiscarded, &ifInLocation, &addHeaderNotInherited,
}
