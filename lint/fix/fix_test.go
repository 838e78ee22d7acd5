package fix

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"rewright/lint"
	"rewright/lint/rules"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

func htaccess(name, text string) lint.Input {
	return lint.Input{File: source.NewFile(name, []byte(text)), Server: ir.Apache, Context: ir.ContextHtaccess}
}

func apply(t *testing.T, o Options, inputs ...lint.Input) []File {
	t.Helper()
	if o.Lint.Rules == nil {
		o.Lint.Rules = rules.All()
	}
	files, err := Apply(context.Background(), o, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestApply(t *testing.T) {
	files := apply(t, Options{}, htaccess(".htaccess", "RewriteEngine On\nRewriteRule ^a$ /b [R=301, L]\nRewriteRule ^c$ /d [R=301, L]\nErrorDocument 404 /x\n"))
	for _, f := range files {
		fmt.Printf("%s\n", f.After)
		for _, a := range f.Applied {
			fmt.Printf("%+v\n", a)
		}
		for _, a := range f.Left {
			fmt.Printf("%+v\n", a)
		}
	}
	_ = errors.Is
	_ = strings.Cut
	_ = diag.Safe
}
