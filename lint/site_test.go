package lint_test

import (
	"testing"

	"rewright/lint"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/source"
)

func TestSite(t *testing.T) {
	load := func(text string, s ir.Server, c ir.Context) *lint.Unit {
		return lint.Load(lint.Input{File: source.NewFile("x", []byte(text)), Server: s, Context: c})
	}
	u := load("Redirect 301 /a /b\nRedirect 301 /b /c\n", ir.Apache, ir.ContextHtaccess)
	s := u.Site()
	if s == nil || s != u.Site() {
		t.Fatal("the site is made once")
	}
	p, ok := s.Reach(s.Rules()[0])
	if !ok {
		t.Fatal("the first rule is not reached")
	}
	if c := s.Follow(p, 5); c.End != probe.EndAnswer || c.Redirects() != 2 {
		t.Errorf("%s after %d redirects", c.End, c.Redirects())
	}
	if u.SiteSpent() {
		t.Error("three questions use the budget up")
	}
	if load("server { retrun 301 /; }", ir.Nginx, ir.ContextHTTP).Site() != nil {
		t.Error("a configuration that nginx refuses answers nothing")
	}
}
