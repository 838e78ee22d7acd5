package apache

import (
	"fmt"
	"strings"
	"testing"

	"rewright/parser/source"
)

// TestVariablesGrow: variables that double themselves are refused before they fill the memory.
func TestVariablesGrow(t *testing.T) {
	var b strings.Builder
	b.WriteString("Define A0 xxxxxxxxxxxxxxxx\n")
	for i := 1; i < 60; i++ {
		fmt.Fprintf(&b, "Define A%d ${A%d}${A%d}\n", i, i-1, i-1)
	}
	c := Read(Parse(source.NewFile("httpd.conf", []byte(b.String()))), Env{})
	longest := 0
	for _, v := range c.Defines {
		longest = max(longest, len(v))
	}
	if longest > maxGiven {
		t.Errorf("a variable of %d bytes", longest)
	}
	if len(c.Diagnostics) == 0 || !strings.Contains(c.Diagnostics[0].Message, "more text than can be held") || !c.Diagnostics[0].Refuses {
		t.Errorf("%d diagnostics: %+v", len(c.Diagnostics), c.Diagnostics)
	}
}
