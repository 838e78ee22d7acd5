package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

// commonHeaders are request headers that configurations ask for, as nginx names them behind $http_.
// Source: IANA, HTTP Field Name Registry; de facto those of proxies and of content networks.
var commonHeaders = strings.Fields(`accept accept_charset accept_encoding accept_language authorization cache_control connection content_length content_type
	cookie forwarded host if_match if_modified_since if_none_match if_range origin pragma range referer user_agent upgrade via x_forwarded_for
	x_forwarded_host x_forwarded_port x_forwarded_proto x_forwarded_scheme x_forwarded_server x_forwarded_ssl x_real_ip x_request_id x_requested_with
	x_http_method_override x_original_url x_original_uri cf_connecting_ip cf_visitor cf_ipcountry true_client_ip sec_fetch_dest sec_fetch_mode sec_fetch_site`)

// checkNearHeader tells of $http_ variables of nginx that are one slip away from a header everybody sends: nginx takes any name,
// and the variable is empty.
func checkNearHeader(p *lint.Pass, d *lint.Directive) {
	if d.Server != ir.Nginx || d.Refused {
		return
	}
	for _, w := range d.Args {
		text, ok := plain(p, w)
		if !ok || !strings.Contains(text, "http_") {
			continue
		}
		for from := 0; ; {
			i := strings.Index(text[from:], "$")
			if i < 0 {
				break
			}
			i += from
			from = i + 1
			start := i + 1
			if start < len(text) && text[start] == '{' {
				start++
			}
			name, found := strings.CutPrefix(strings.ToLower(leadingName(text[start:])), "http_")
			if !found || len(name) < 6 || isCommonHeader(name) {
				continue
			}
			near, cost := lint.NearestCost(name, commonHeaders)
			if len(near) != 1 || cost > 2 || near[0][:2] != name[:2] {
				continue
			}
			span := within(w, start, start+len("http_")+len(name))
			p.Add(diag.Diagnostic{Severity: diag.Info, Span: span,
				Message: quote(strings.ReplaceAll(name, "_", "-")) + " is no header in common use, and the variable is empty where it is not sent; did you mean " + quote("$http_"+near[0]) + "?",
				Fixes:   []diag.Fix{write(diag.Risky, span, "http_"+near[0])}})
		}
	}
}

func isCommonHeader(name string) bool {
	for _, h := range commonHeaders {
		if h == name {
			return true
		}
	}
	return false
}

// leadingName is the name of a variable that a text begins with.
func leadingName(s string) string {
	i := 0
	for i < len(s) && (s[i] == '_' || s[i] >= '0' && s[i] <= '9' || s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z') {
		i++
	}
	return s[:i]
}
