package rules

import "rewright/lint"

// engineRules are the family RD990 and RD999, what the engine itself says.
var engineRules = []*lint.Rule{
	&suppressionProblem, &notAnalysed,
}
