package rules

import (
	"regexp"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var refusedArgument = lint.Rule{
	Code: lint.CatchAll, ID: "refused-argument", Severity: diag.Error, For: lint.Both, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "the server refuses this value",
		Text: "What the server says at this place and no other rule explains: a value out of range, a word outside a directive's " +
			"list, a duplicate, a file that is not there. The message carries the server's own words where they are known.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteBase x\n", After: "RewriteBase /x\n"},
			{Server: ir.Nginx, Before: "autoindex yes;\n", After: "autoindex on;\n"},
		},
		Source: "httpd and nginx, each directive's own checks",
	},
	Explain: func(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
		if p.Fragment() && namedElsewhere.MatchString(d.ServerMessage) {
			d.Severity = 0
			return d, true
		}
		if name, ok := strings.CutPrefix(d.ServerMessage, "Unknown Authz provider: "); ok && name != "" {
			return unknownProvider(p, d, name)
		}
		if kind, ok := strings.CutPrefix(d.ServerMessage, "invalid event type "); ok && otherSystems[strings.Trim(kind, `"`)] {
			d.Severity, d.Refuses = diag.Info, false
			d.Message = "`use " + strings.Trim(kind, `"`) + "` is for another operating system: on Linux nginx refuses it"
			return d, true
		}
		if d.Message == d.ServerMessage { // httpd's own words, as the beginning of a sentence
			d.Message = "httpd says: " + strings.TrimRight(d.Message, ".")
		}
		return withRefusal(p, d, at)
	},
}

// otherSystems are the event methods of nginx that Linux does not have. Source: nginx manual, "Connection processing methods".
var otherSystems = map[string]bool{"kqueue": true, "/dev/poll": true, "devpoll": true, "eventport": true}

// providersElsewhere are what modules that httpd does not ship offer to Require, and those modules.
var providersElsewhere = map[string]string{
	"claim": "mod_auth_openidc", "claims_expr": "mod_auth_openidc or mod_oauth2", "oauth2_claim": "mod_oauth2", "cas-attribute": "mod_auth_cas",
	"shibboleth": "mod_shib", "shib-session": "mod_shib", "shib-attr": "mod_shib", "shib-plugin": "mod_shib", "shib-user": "mod_shib",
	"mellon": "mod_auth_mellon", "unix-group": "mod_authnz_external", "pwauth": "mod_authnz_external", "external-group": "mod_authnz_external",
	"pam-account": "mod_authnz_pam", "lookup-identity": "mod_lookup_identity",
}

// unknownProvider tells of a Require that no module of httpd can answer.
func unknownProvider(p *lint.Pass, d diag.Diagnostic, name string) (diag.Diagnostic, bool) {
	if module := providersElsewhere[strings.ToLower(name)]; module != "" {
		d.Severity, d.Refuses = diag.Info, false
		d.Message = "`Require " + name + "` needs " + module + ", which httpd does not ship: a server without it refuses the file"
		return d, true
	}
	d.Message = "no module that httpd ships answers `Require " + name + "`; unless a third-party module brings it, " + p.Refusal()
	return d, true
}

// namedElsewhere are complaints of nginx about a name that another part of the configuration may define.
var namedElsewhere = regexp.MustCompile(`^(unknown log format|(host not found|no port) in upstream|unknown ".*" (variable|zone)|no "?events"?|zero size shared memory zone|unknown limit_req_zone|"[a-z_]+" zone ".*" is unknown)`)
