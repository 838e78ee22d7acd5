package rules

import "rewright/lint"

// statusRules are the family RD3, status codes and method.
var statusRules = []*lint.Rule{
	&commentContradictsStatus, &temporaryWherePermanent, &statusByDefault, &formSentAgain, &notARedirectStatus, &noSuchStatus, &redirectWithoutTarget,
	&permanentWhereTemporary, &methodLost, &removedPageToHome, &errorPageChangesStatus, &maintenanceByRedirect, &flagReplacedBy302, &refreshRedirect,
	&permanentOnVolatileCondition, &expiredTemporary,
}
