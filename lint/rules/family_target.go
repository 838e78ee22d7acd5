package rules

import "rewright/lint"

// targetRules are the family RD6, targets and queries.
var targetRules = []*lint.Rule{
	&missingSlashJoin,
	&doubleSlashJoin,
	&percentInTarget,
	&fragmentEscaped,
	&queryAfterFragment,
	&queryReplaced,
	&queryDoubled,
	&missingCapture,
	&prefixAppendsSuffix,
	&decodedPathInTarget,
	&relativeTarget,
	&serverNameInTarget,
	&emptyMapTarget,
	&placeholderTarget,
	&wrongConditionBackreference,
	&pathDroppedOnSiteMove,
}
