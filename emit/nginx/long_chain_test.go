package nginx

import (
	"strings"
	"testing"

	"rewright/emit"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
)

// A chain of many rules is not written as many conditions in each of them.
func TestLongChain(t *testing.T) {
	text := "RewriteEngine On\n" + strings.Repeat("RewriteRule ^(.*)$ /$1 [C]\n", 100)
	l, err := parser.LoadText(nil, ".htaccess", []byte(text), load.Options{Server: ir.Apache, Context: ir.ContextHtaccess})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Target{}.Convert(l.Program, emit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	said := false
	for _, n := range r.Notes {
		said = said || n.Fidelity == emit.Dropped && strings.Contains(n.Reason, "chain to it or skip it")
	}
	if !said {
		t.Errorf("not said: %v", r.Notes)
	}
}
