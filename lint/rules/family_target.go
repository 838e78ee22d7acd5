package rules

import "rewright/lint"

// targetRules are the family RD6, targets and queries.
var targetRules = []*lint.Rule{}
