package apache

import (
	"fmt"
	"strings"
)

func aliasChecks(m map[string]func(*check) *fault) {
	m["Redirect"], m["RedirectMatch"] = checkRedirect, checkRedirect
	m["RedirectPermanent"], m["RedirectTemp"] = checkRedirect2, checkRedirect2
	for _, name := range []string{"Alias", "ScriptAlias", "AliasMatch", "ScriptAliasMatch"} {
		m[name] = checkAlias
	}
}

// redirectStatus reads the status of a Redirect as mod_alias does: a word it knows, or any digits.
func redirectStatus(word string) (status int, ok bool) {
	switch strings.ToLower(word) {
	case "permanent":
		return 301, true
	case "temp":
		return 302, true
	case "seeother":
		return 303, true
	case "gone":
		return 410, true
	}
	if word != "" && word[0] >= '0' && word[0] <= '9' {
		return atoi(word), true
	}
	return 302, false
}

// isURL tells whether text begins with a scheme and a colon. Source: httpd server/util.c, ap_is_url.
func isURL(text string) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == ':':
			return i > 0
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '-', c == '.':
		default:
			return false
		}
	}
	return false
}

// checkRedirect checks Redirect and RedirectMatch. Source: httpd modules/mappers/mod_alias.c, add_redirect_internal.
func checkRedirect(c *check) *fault {
	args := c.d.Args
	regex := c.spec.Name == "RedirectMatch"
	status, given := redirectStatus(c.arg(0))
	path, target := 0, 1
	if given {
		path, target = 1, 2
	} else if len(args) > 2 {
		x := &fault{kind: "unknown-status-word", span: c.at(0), server: "Redirect: invalid first argument (of three)",
			message: fmt.Sprintf("%q is no status that httpd knows", c.arg(0))}
		if strings.HasPrefix(c.arg(2), "#") {
			x.kind, x.span = "text-after-flags", c.at(2)
			x.message = "httpd takes no comment on a directive's line: it reads this as an argument"
		}
		return x
	}
	redirects := status >= 300 && status <= 399
	if c.scope.perDir {
		// A redirect of everything in this context.
		url := -1
		switch {
		case !given && len(args) == 1:
			url = 0
		case given && redirects && len(args) == 2:
			url = 1
		case given && !redirects && len(args) == 1:
			return nil
		}
		if url >= 0 {
			if _, err := ParseExprString(c.arg(url), c.at(url), ExprOptions{Restricted: c.restricted()}); err != nil {
				return c.badf(url, "Cannot parse redirect expression '%s': %s", c.arg(url), err)
			}
			return nil
		}
	}
	if regex && len(args) > path {
		if err := regexFault(c.arg(path), false); err != nil {
			return invalidRegex(c.at(path), "Regular expression could not be compiled.", c.arg(path), err)
		}
	}
	missing := len(args) <= target
	switch {
	case redirects && missing:
		return &fault{kind: "redirect-without-target", server: "URL to redirect to is missing",
			message: fmt.Sprintf("%s has no address to redirect to", c.spec.Name)}
	case !redirects && !missing:
		return &fault{kind: "not-a-redirect-status", span: c.at(target), server: "Redirect URL not valid for this status",
			message: fmt.Sprintf("status %d is no redirect, so it takes no address", status)}
	case redirects && !regex && !isURL(c.arg(target)) && !strings.HasPrefix(c.arg(target), "/"):
		return &fault{span: c.at(target), server: "Redirect to non-URL",
			message: fmt.Sprintf("%q is neither an address nor a path that begins with /", c.arg(target))}
	}
	return nil
}

func checkRedirect2(c *check) *fault {
	if !isURL(c.arg(1)) && !strings.HasPrefix(c.arg(1), "/") {
		return &fault{span: c.at(1), server: "Redirect to non-URL",
			message: fmt.Sprintf("%q is neither an address nor a path that begins with /", c.arg(1))}
	}
	return nil
}

// checkAlias checks Alias and its kin. Source: httpd modules/mappers/mod_alias.c, add_alias_internal.
func checkAlias(c *check) *fault {
	regex := strings.HasSuffix(c.spec.Name, "Match")
	if len(c.d.Args) < 2 {
		if !c.scope.perDir {
			return &fault{kind: "wrong-argument-count", server: c.spec.Name + " must have two arguments when used globally"}
		}
		return nil
	}
	if regex {
		if err := regexFault(c.arg(0), false); err != nil {
			return invalidRegex(c.at(0), "Regular expression could not be compiled.", c.arg(0), err)
		}
	}
	return nil
}
