package rules

import "rewright/lint"

// securityRules are the family RD7, security.
var securityRules = []*lint.Rule{
	&openRedirect,
	&hostHeaderRedirect,
	&headerInjection,
	&hostSuffixInjection,
	&regexRedos,
	&proxySSRF,
	&redirectBypassesAccess,
	&unanchoredHostCheck,
	&credentialsInTarget,
	&vulnerableRewriteShape,
}
