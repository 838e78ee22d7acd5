package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/lint/rules"
	"rewright/parser/ir"
)

const rulesUsage = `rewright rules: the rules there are, and the page of one

  rewright rules
  rewright rules RD003
  rewright rules RD7 redirect-loop

usage: rewright rules [flags] [CODE | NAME | BEGINNING OF CODES]...

One code or name gives the page of the rule in Markdown: what is wrong, why, examples, how to silence it. The beginning of
codes, or several words, give a list.
`

func runRules(a *app, args []string) int {
	var format string
	flags := a.flags("rules", rulesUsage)
	flags.StringVar(&format, "format", "text", "text or json")
	if status, done := a.parse(flags, args); done {
		return status
	}
	if format != "text" && format != "json" {
		return a.fail("--format wants text or json, not %q", format)
	}
	chosen, err := chosenRules(flags.Args())
	if err != nil {
		return a.fail("%v", err)
	}
	words := flags.Args()
	switch {
	case format == "json":
		list := make([]jsonRule, len(chosen))
		for i, r := range chosen {
			list[i] = newJSONRule(r)
		}
		e := json.NewEncoder(a.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		err = e.Encode(list)
	case len(words) == 1 && rules.Find(strings.ToUpper(words[0])) != nil || len(words) == 1 && rules.Find(words[0]) != nil:
		_, err = fmt.Fprint(a.out, rules.Page(chosen[0]))
	default:
		width := 0
		for _, r := range chosen {
			width = max(width, len(r.ID))
		}
		for _, r := range chosen {
			severity := r.Severity.String()
			if r.Off {
				severity = "off"
			}
			if _, err = fmt.Fprintf(a.out, "%s  %-*s  %-7s  %-12s  %s\n", r.Code, width, r.ID, severity, r.For, r.Doc.Title); err != nil {
				break
			}
		}
	}
	if err != nil {
		return a.fail("write: %v", err)
	}
	return exitOK
}

// chosenRules are the rules that words stand for, in the order of codes; all without a word.
func chosenRules(words []string) ([]*lint.Rule, error) {
	on := map[*lint.Rule]bool{}
	for _, w := range words {
		found := false
		for _, r := range rules.All() {
			if w == "all" || r.ID == strings.ToLower(w) || len(w) >= 2 && strings.HasPrefix(r.Code, strings.ToUpper(w)) {
				on[r], found = true, true
			}
		}
		if !found {
			var names []string
			for _, r := range rules.All() {
				names = append(names, r.ID, r.Code)
			}
			hint := ""
			if near := nearest(w, names); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			return nil, fmt.Errorf("no rule is called %q, and no code begins with it%s", w, hint)
		}
	}
	var list []*lint.Rule
	for _, r := range rules.All() {
		if len(words) == 0 || on[r] {
			list = append(list, r)
		}
	}
	return list, nil
}

type jsonRule struct {
	Code     string        `json:"code"`
	Name     string        `json:"name"`
	Severity string        `json:"severity"`
	On       bool          `json:"on"` // without being selected
	For      []string      `json:"for"`
	Fix      string        `json:"fix"` // the best it can offer: safe, risky, shown; empty: none
	Since    string        `json:"since"`
	Title    string        `json:"title"`
	Text     string        `json:"text"`
	Silence  string        `json:"silence"`
	Source   string        `json:"source"`
	Examples []jsonExample `json:"examples"`
}

type jsonExample struct {
	Server  string `json:"server"`
	Context string `json:"context"`
	Before  string `json:"before"`
	After   string `json:"after"`
	Above   string `json:"above,omitempty"` // the .htaccess of the folder above
}

func newJSONRule(r *lint.Rule) jsonRule {
	out := jsonRule{r.Code, r.ID, r.Severity.String(), !r.Off, []string{}, string(r.Fix), r.Since, r.Doc.Title, r.Doc.Text, r.Doc.Silence,
		r.Doc.Source, []jsonExample{}}
	for _, s := range []ir.Server{ir.Apache, ir.Nginx} {
		if r.For.Has(s) {
			out.For = append(out.For, s.String())
		}
	}
	for _, e := range r.Doc.Examples {
		out.Examples = append(out.Examples, jsonExample{e.Server.String(), string(e.Where()), e.Before, e.After, e.Above})
	}
	return out
}
