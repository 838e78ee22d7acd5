package intent

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func lines(text string) []Line {
	var out []Line
	at := int32(0)
	for _, l := range strings.Split(text, "\n") {
		out = append(out, Line{Text: l, Start: at})
		at += int32(len(l) + 1)
	}
	return out
}

// said is a reading in one line: "307 temporary(temporary redirect)".
func said(r Reading) string {
	var parts []string
	if r.Code != nil {
		parts = append(parts, fmt.Sprintf("%d(%s)", r.Code.Status, r.Code.Words))
	}
	for _, m := range r.Marks {
		s := [...]string{"", "temporary", "permanent", "for-now", "removed"}[m.Sense] + "(" + m.Words + ")"
		if !m.Until.IsZero() {
			s += m.Until.Format(" 2006-01-02")
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

func TestRead(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		// declared codes
		{"307 temporary redirect", "307(307 temporary redirect) temporary(temporary redirect)"},
		{"set up a 307 redirect", "307(307 redirect)"},
		{"to set up a 307 redirect to the new host:", "307(307 redirect)"},
		{"307 redirect while the shop is rebuilt", "307(307 redirect) for-now(while the shop is rebuilt)"},
		{"308: keep the POST", "308(308)"},
		{"permanent (301)", "301(permanent (301))"},
		{"HTTP 301", "301(HTTP 301)"},
		{"status code 303", "303(code 303)"},
		{"send a 301", "301(a 301)"},
		{"use 302", "302(use 302)"},
		{"with 301", "301(with 301)"},
		{"301 for the old page", "301(301)"},
		{"307-Weiterleitung", "307(307 Weiterleitung)"},
		{"Redirect from /a to the new shop with a 301", "301(a 301)"},
		{"302 to request without slashes", "302(302)"},
		{"Redirect 301", "301(Redirect 301)"},
		{"307, not 301", "307(307)"},
		{"use 307 instead of 301 so that forms survive", "307(use 307)"},
		{"### 301 redirects ###", "301(301 redirects)"},
		{"HTTPS with a 301 Moved Permanently response.", "301(301 Moved Permanently) permanent(Moved Permanently)"},
		// no declaration
		{"302 (not 303) because of the checker", "302(302)"},
		{"temporary: 302, permanent: 301", ""},
		{"would be 301'd", ""},
		{"302 while the site is being set up; will be switched to 301 once stable", "for-now(while the site is being set up)"},
		{"x303", ""},
		{"see /303/ for details", ""},
		{"see #302", ""},
		{"issue 302", ""},
		{"301 pages moved", ""},
		{"TODO: 307 would be safer for useragents, to maintain e.g. POST", ""},
		{"don't use a 301 redirect here", ""},
		{"not a 301", ""},
		{"was a 301 redirect", ""},
		{"browsers cache 301 redirects for a very long time so be careful", ""},
		{"because a 301 redirect is cached", ""},
		{"changed from 301 to 307", ""},
		{"should this be a 308?", ""},
		{"301 or 302", ""},
		{"301/302 redirects", ""},
		{"RewriteRule ^a$ /b [R=301,L]", ""},
		{"see https://example.org/302 for it", ""},
		{"version 3.0.1", ""},
		{"the 301 is cached by browsers", ""},
		{"Interstate 307 exits", ""},
		{"page 302", ""},
		// how long
		{"temporary redirect", "temporary(temporary redirect)"},
		{"Temporarily redirect to the status page", "temporary(Temporarily redirect)"},
		{"moved permanently", "permanent(moved permanently)"},
		{"permanent redirect", "permanent(permanent redirect)"},
		{"permanent redirect of the old shop", "permanent(permanent redirect)"},
		{"302 (temporary) keeps the address", "302(302 (temporary)) temporary(302 (temporary))"},
		{"permanent 301 redirect", "301(301 redirect) permanent(permanent 301 redirect)"},
		{"vorübergehende Weiterleitung", "temporary(vorübergehende Weiterleitung)"},
		{"dauerhaft umgezogen", "permanent(dauerhaft umgezogen)"},
		{"redirection temporaire", "temporary(redirection temporaire)"},
		{"déplacé définitivement", "permanent(déplacé définitivement)"},
		{"redirección temporal", "temporary(redirección temporal)"},
		{"reindirizzamento permanente", "permanent(reindirizzamento permanente)"},
		{"redirecionamento temporário", "temporary(redirecionamento temporário)"},
		{"tijdelijk doorgestuurd", "temporary(tijdelijk doorgestuurd)"},
		{"временный редирект", "temporary(временный редирект)"},
		{"tymczasowe przekierowanie", "temporary(tymczasowe przekierowanie)"},
		{"vor\xfcbergehende Weiterleitung", "temporary(vor\xfcbergehende Weiterleitung)"},
		// bare adjectives, history, denials
		{"permanent URL", ""},
		{"Permanent links to the specs", ""},
		{"old legacy pages", ""},
		{"Redirect to the centre's page on permanent URLs by default", ""},
		{"forward permanent URLs to the site", ""},
		{"was temporarily in a subfolder, now in a subdomain", ""},
		{"was temporarily redirected", ""},
		{"not a permanent redirect", ""},
		{"modelo temporal de norma", ""},
		{"should be a permanent redirect", ""},
		{"move temp files away", ""},
		// for now
		{"for now everything goes to the blog", "for-now(for now)"},
		{"Other requests get turtle for now", "for-now(for now)"},
		{"until the new site is ready", "for-now(until the new site is ready)"},
		{"summer sale until 2026-08-31", "for-now(until 2026-08-31) 2026-08-31"},
		{"bis 31. Dezember 2026", "for-now(bis 31 Dezember 2026) 2026-12-31"},
		{"jusqu'au 31/12/2026", "for-now(jusqu'au 31/12/2026) 2026-12-31"},
		{"hasta el 31 de diciembre de 2026", "for-now(hasta el 31 de diciembre de 2026) 2026-12-31"},
		{"until Q1 2027", "for-now(until Q1 2027) 2027-03-31"},
		{"until the end of June 2026", "for-now(until the end of June 2026) 2026-06-30"},
		{"remove after 2026-05-01", "for-now(remove after 2026-05-01) 2026-05-01"},
		{"during maintenance", "for-now(during maintenance)"},
		{"TODO: remove", "for-now(TODO: remove)"},
		{"temporary fix for the menu", "for-now(temporary fix)"},
		{"until the first slash", ""},
		{"while keeping the query string", ""},
		{"while the path is kept", ""},
		{"during the rewrite", ""},
		{"Remove trailing slash", ""},
		{"remove index.php", ""},
		// gone
		{"product discontinued", "removed(product discontinued)"},
		{"Seite gelöscht", "removed(Seite gelöscht)"},
		{"no longer exists", "removed(no longer exists)"},
		{"not removed", ""},
		{"will be removed after the sale", "for-now(will be removed after the sale)"},
		{"temp redirect", "temporary(temp redirect)"},
		{"HTTP/1.1 307", "307(HTTP/1.1 307)"},
		{"Return 307 here", "307(Return 307)"},
		{"temp 302 until the relaunch is done", "302(temp 302) for-now(until the relaunch is done)"},
		{"befristete Weiterleitung", "temporary(befristete Weiterleitung)"},
		{"while we migrate the shop", "for-now(while we migrate the shop)"},
		{"while we move the query string", ""},
		// which part of a comment
		{"307 redirect\n\nthe shop", ""},
		{"307 redirect\nRedirect 307 /a /b", ""},
		{"---------\n307 redirect\n---------", "307(307 redirect)"},
		{"a redirect that is\ntemporary (307)", "307(temporary (307))"},
	} {
		if got := said(Read(lines(c.text))); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestHeading(t *testing.T) {
	for _, text := range []string{"### temporary redirects ###", "301 redirects", "--- permanent redirects ---"} {
		if !Read(lines(text)).Many {
			t.Errorf("%q is not said of several redirects", text)
		}
	}
	if Read(lines("temporary redirect")).Many {
		t.Error("one redirect is taken for several")
	}
}

func TestSpans(t *testing.T) {
	text := "a 307 redirect,\nuntil 31 Dec 2026"
	r := Read(lines(text))
	if got := text[r.Code.Span.Start:r.Code.Span.End]; got != "307 redirect" {
		t.Errorf("code is at %q", got)
	}
	m, _ := r.Has(ForNow)
	if got := text[m.Span.Start:m.Span.End]; got != "until 31 Dec 2026" || m.Until != time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC) {
		t.Errorf("mark is at %q, until %v", got, m.Until)
	}
}

func TestPaths(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"/offers", "/summer-sale", "summer-sale 2"},
		{"/shop", "/maintenance.html", "maintenance 3"},
		{"/sale", "/sales", ""},
		{"/promo-codes", "/coupons", ""},
		{"/blog/christmas-recipes", "/recipes/christmas", ""},
		{"/x", "/how-to-prepare-for-black-friday-as-a-shop", ""},
		{"/x", "https://example.com/coming-soon/", "coming-soon 3"},
		{"/x", "/temp-agency", ""},
	} {
		w, ok := TemporaryIn(Segments(c.to), Segments(c.from))
		got := ""
		if ok {
			got = fmt.Sprintf("%s %d", w.Word, w.Points)
		}
		if got != c.want {
			t.Errorf("%s to %s: %q, want %q", c.from, c.to, got, c.want)
		}
	}
	if _, v, ok := AliasOf(Segments("/latest"), Segments("/v2.3/")); !ok || v != "v2.3" {
		t.Error("/latest is no alias of /v2.3/")
	}
	if _, _, ok := AliasOf(Segments("/latest"), Segments("/docs/")); ok {
		t.Error("/docs/ is a version")
	}
}

// FuzzRead: any text gives a reading whose places lie inside it.
func FuzzRead(f *testing.F) {
	f.Add("307 temporary redirect\nuntil 31. Dezember 2026, (not 301)?")
	f.Add("301/302-redirects -> \xff\xfc 30/12/2026")
	f.Fuzz(func(t *testing.T, text string) {
		r := Read(lines(text))
		for _, m := range r.Marks {
			if m.Span.Start < 0 || int(m.Span.End) > len(text) || m.Span.Start > m.Span.End {
				t.Errorf("mark at %v of %q", m.Span, text)
			}
		}
	})
}
