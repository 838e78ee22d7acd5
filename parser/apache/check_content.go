package apache

import "strings"

// contentChecks are those of modules that choose and filter content: mod_ssl, mod_mime, mod_negotiation, mod_autoindex,
// mod_actions and mod_filter.
func contentChecks(m map[string]func(*check) *fault) {
	m["SSLOptions"] = func(c *check) *fault {
		for i, a := range c.d.Args {
			switch w := strings.TrimLeft(a.Text, "+-"); strings.ToLower(w) {
			case "stdenvvars", "exportcertdata", "fakebasicauth", "strictrequire", "optrenegotiate", "legacydnstringformat":
			default:
				return c.badf(i, "SSLOptions: Illegal option '%s'", w)
			}
		}
		return nil
	}
	m["SSLVerifyClient"], m["SSLProxyVerify"] = checkVerify, checkVerify
	m["MultiviewsMatch"] = func(c *check) *fault {
		for i, a := range c.d.Args {
			switch strings.ToLower(a.Text) {
			case "any", "negotiatedonly", "filters", "handlers":
			default:
				return c.badf(i, "Unrecognized option '%s'", a.Text)
			}
		}
		return nil
	}
	m["ForceLanguagePriority"] = func(c *check) *fault {
		for i, a := range c.d.Args {
			switch strings.ToLower(a.Text) {
			case "none", "prefer", "fallback":
			default:
				return c.badf(i, "Invalid ForceLanguagePriority option %s", a.Text)
			}
		}
		return nil
	}
	for _, name := range []string{"AddIcon", "AddIconByType", "AddIconByEncoding"} {
		m[name] = func(c *check) *fault {
			if text := c.arg(0); strings.HasPrefix(text, "(") && !strings.HasSuffix(text, ")") {
				return c.bad(0, "missing closing paren")
			}
			return nil
		}
	}
	m["Action"] = func(c *check) *fault {
		if option := c.arg(2); option != "" && !strings.EqualFold(option, "virtual") {
			return c.badf(2, "unrecognized option '%s'", option)
		}
		return nil
	}
	m["Script"] = func(c *check) *fault {
		if c.arg(0) == "TRACE" {
			return c.bad(0, "TRACE not allowed for Script")
		}
		return nil
	}
	m["AddOutputFilterByType"] = func(c *check) *fault {
		if len(c.d.Args) < 2 {
			return &fault{kind: "wrong-argument-count", server: "AddOutputFilterByType requires at least two arguments"}
		}
		return nil
	}
	m["FilterProvider"] = func(c *check) *fault {
		if _, err := ParseExpr(c.arg(2), c.at(2), ExprOptions{Restricted: c.restricted()}); err != nil {
			return c.badf(2, "Error parsing FilterProvider expression:%s", err)
		}
		return nil
	}
}

// checkVerify checks SSLVerifyClient. Source: httpd modules/ssl/ssl_engine_config.c, ssl_cmd_verify_parse.
func checkVerify(c *check) *fault {
	switch strings.ToLower(c.arg(0)) {
	case "none", "off", "optional", "require", "on", "optional_no_ca":
		return nil
	}
	return c.badf(0, "%s: Invalid argument '%s'", c.spec.Name, c.arg(0))
}
