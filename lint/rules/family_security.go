package rules

import "rewright/lint"

// securityRules are the family RD7, security.
var securityRules = []*lint.Rule{
	&openRedirect,
	&hostHeaderRedirect,
	&headerInjection,
	&hostSuffixInjection,
	&proxySSRF,
	&redirectBypassesAccess,
	&unanchoredHostCheck,
	&credentialsInTarget,
	&vulnerableRewriteShape,
}
