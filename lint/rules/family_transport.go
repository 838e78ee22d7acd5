package rules

import "rewright/lint"

// transportRules are the family RD4, HTTPS, HSTS and caching.
var transportRules = []*lint.Rule{
	&httpsDowngrade, &temporaryHTTPSUpgrade, &twoHopCanonical, &hstsOverHTTP, &headerMissingOnRedirect, &acmeChallengeRedirected,
	&hstsPreloadIncomplete, &temporaryCachedLong, &portCarriedToHTTPS,
}
