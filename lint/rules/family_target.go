package rules

import "rewright/lint"

// targetRules are the family RD6, targets and queries.
var targetRules = []*lint.Rule{
	&percentInTarget,
	&fragmentEscaped,
	&queryReplaced,
	&missingCapture,
	&relativeTarget,
	&serverNameInTarget,
	&emptyMapTarget,
	&placeholderTarget,
	&wrongConditionBackreference,
}
