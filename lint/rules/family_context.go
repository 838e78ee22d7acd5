package rules

import "rewright/lint"

// contextRules are the family RD1, context and server behaviour.
var contextRules = []*lint.Rule{
	&rewriteEngineOff, &parentRulesReplaced, &leadingSlashInHtaccess, &missingSlashInServerRule, &orphanCondition, &directiveNotAllowedHere, &filesystemPathInRedirect, &missingLastFlag, &oneTargetRedirect, &substitutionDiscarded, &flagWithoutEffect, &ifInLocation,
	&addHeaderNotInherited, &capturesLostAfterIf, &conditionGuardsOneRule, &redirectMixedWithRewrite, &breakKillsReturn,
}
