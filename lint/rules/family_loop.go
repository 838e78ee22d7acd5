package rules

import "rewright/lint"

// loopRules are the family RD2, loops, chains and conflicts.
var loopRules = []*lint.Rule{
	&selfRedirect, &redirectCycle, &internalRewriteLoop, &growingRedirect, &redirectChain,
	&unreachableRule, &duplicateSource, &frontControllerFirst, &indexRedirectLoop, &trailingSlashFight,
	&queryConditionLoop, &hostCanonicalFight, &httpsLoopBehindProxy,
}
