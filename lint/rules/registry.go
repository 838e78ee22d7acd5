// Package rules holds the rules of rewright, one file each, and the tables they share.
//
// A rule is one lint.Rule value. Configurations come in through its hooks, findings go out through its Pass.
// README.md beside the code is generated from the same values.
package rules

import (
	"slices"
	"strings"
	"sync"

	"rewright/lint"
)

//go:generate go test -run TestPages -update .

// All are the rules in the order of their codes.
func All() []*lint.Rule { return all }

// Find is the rule of a code or name; nil when there is none.
func Find(name string) *lint.Rule { return byName()[name] }

var byName = sync.OnceValue(func() map[string]*lint.Rule {
	m := make(map[string]*lint.Rule, 2*len(all))
	for _, r := range all {
		m[r.Code], m[r.ID] = r, r
	}
	return m
})

// all are the families' lists, each beside its first rule, in the order of their codes.
var all = func() []*lint.Rule {
	list := slices.Concat(syntaxRules, contextRules, loopRules, statusRules, transportRules, patternRules, targetRules,
		securityRules, speedRules, styleRules, engineRules)
	slices.SortStableFunc(list, func(a, b *lint.Rule) int { return strings.Compare(a.Code, b.Code) })
	return list
}()
