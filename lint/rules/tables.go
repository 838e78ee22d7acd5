package rules

import (
	"strings"
	"sync"

	"rewright/parser/apache"
	"rewright/parser/ir"
	"rewright/parser/nginx"
)

// nameList is the directives of one server by name.
type nameList struct {
	names    []string // as the tables spell them
	sections []string // httpd: those that are sections
	known    map[string]bool
}

var httpdList = sync.OnceValue(func() *nameList {
	l := &nameList{known: map[string]bool{}}
	add := func(name string) {
		bare := strings.TrimPrefix(name, "<")
		if bare != name {
			l.sections = append(l.sections, bare)
		} else {
			l.names = append(l.names, name)
		}
		l.known[strings.ToLower(bare)] = true
	}
	specs := apache.Specs()
	for i := range specs {
		add(specs[i].Name)
	}
	for _, name := range decidedSections {
		if !l.known[strings.ToLower(name[1:])] {
			add(name)
		}
	}
	return l
})

var nginxList = sync.OnceValue(func() *nameList {
	l := &nameList{known: map[string]bool{}}
	for _, n := range nginx.Names() {
		l.names = append(l.names, n)
		l.known[n] = true
	}
	return l
})

// directiveNames are the names a misspelt word may stand for; section: of sections (httpd).
func directiveNames(s ir.Server, section bool) []string {
	if s == ir.Nginx {
		return nginxList().names
	}
	if section {
		return httpdList().sections
	}
	return httpdList().names
}

// knownDirective tells whether a server has a directive or section of that name, in any release and module.
func knownDirective(s ir.Server, name string) bool {
	if s == ir.Nginx {
		return nginxList().known[name]
	}
	return httpdList().known[strings.ToLower(name)]
}

// takes tells whether a directive can have n arguments; unknown ones take any number.
func takes(s ir.Server, name string, n int) bool {
	if s == ir.Nginx {
		specs := nginx.Specs(name)
		for _, spec := range specs {
			if n >= spec.Min && (spec.Max < 0 || n <= spec.Max) {
				return true
			}
		}
		return len(specs) == 0
	}
	spec := apache.LookupSpec(name)
	if spec == nil {
		return true
	}
	switch spec.Kind {
	case apache.NoArgs:
		return n == 0
	case apache.Take1:
		return n == 1
	case apache.Take2:
		return n == 2
	case apache.Take3:
		return n == 3
	case apache.Take12:
		return n == 1 || n == 2
	case apache.Take23:
		return n == 2 || n == 3
	case apache.Take123:
		return 1 <= n && n <= 3
	case apache.Take13:
		return n == 1 || n == 3
	case apache.Iterate, apache.Flag:
		return n >= 1
	case apache.Iterate2:
		return n >= 2
	}
	return true
}

// decidedSections are sections that httpd decides while it reads.
var decidedSections = []string{"<IfModule", "<IfDefine", "<IfVersion", "<IfFile", "<IfDirective", "<IfSection", "<Macro"}

// thirdPartyDirectives are beginnings of names that modules outside the servers' own sources bring, and their module.
// Source: the modules' manuals.
var thirdPartyDirectives = map[ir.Server][][2]string{
	ir.Apache: {
		{"php_value", "mod_php"}, {"php_flag", "mod_php"}, {"php_admin_value", "mod_php"}, {"php_admin_flag", "mod_php"},
		{"phpinidir", "mod_php"}, {"modpagespeed", "mod_pagespeed"}, {"cosign", "mod_cosign"}, {"wsgi", "mod_wsgi"},
		{"gssapi", "mod_auth_gssapi"}, {"krb", "mod_auth_kerb"}, {"authkerb", "mod_auth_kerb"}, {"shib", "mod_shib"},
		{"oidc", "mod_auth_openidc"}, {"passenger", "Passenger"}, {"railsenv", "Passenger"}, {"rackenv", "Passenger"},
		{"sec", "ModSecurity"}, {"modsecurity", "ModSecurity"}, {"fcgiwrapper", "mod_fcgid"}, {"fcgid", "mod_fcgid"},
		{"fastcgi", "mod_fastcgi"}, {"geoip", "mod_geoip"}, {"maxmind", "mod_maxminddb"}, {"suphp_", "mod_suphp"},
		{"perl", "mod_perl"}, {"svn", "mod_dav_svn"}, {"authzsvn", "mod_authz_svn"}, {"xsendfile", "mod_xsendfile"},
		{"assignuserid", "mpm_itk"}, {"rpaf", "mod_rpaf"}, {"dos", "mod_evasive"}, {"cas", "mod_auth_cas"},
		{"mellon", "mod_auth_mellon"}, {"ruid", "mod_ruid2"}, {"rmode", "mod_ruid2"}, {"evasive", "mod_evasive"},
		{"lsphp", "LiteSpeed"}, {"cachelookup", "LiteSpeed"}, {"cacheenable", "LiteSpeed"}, {"tkt", "mod_auth_tkt"},
		{"authmysql", "mod_auth_mysql"}, {"authpam", "mod_authnz_pam"}, {"python", "mod_python"}, {"jk", "mod_jk"},
		{"qs_", "mod_qos"}, {"upload", "mod_upload"}, {"speedy", "mod_speedycgi"}, {"suexecusergroup", "mod_suexec"},
	},
	ir.Nginx: {
		{"more_", "headers-more"}, {"lua_", "lua-nginx-module"}, {"js_", "njs"}, {"brotli", "ngx_brotli"}, {"pagespeed", "ngx_pagespeed"},
		{"modsecurity", "ModSecurity-nginx"}, {"ModSecurity", "ModSecurity"}, {"geoip2", "ngx_http_geoip2"},
		{"passenger", "Passenger"}, {"passenger_", "Passenger"}, {"echo", "echo-nginx-module"}, {"set_escape_uri", "set-misc"},
		{"set_unescape_uri", "set-misc"}, {"set_md5", "set-misc"}, {"set_random", "set-misc"}, {"set_secure_random", "set-misc"},
		{"set_encode", "set-misc"}, {"set_decode", "set-misc"}, {"set_by_lua", "lua-nginx-module"}, {"upload_progress", "upload progress"},
		{"track_uploads", "upload progress"}, {"upload_", "nginx-upload"}, {"report_uploads", "upload progress"}, {"vhost_traffic_status", "nginx-module-vts"},
		{"fancyindex", "ngx-fancyindex"}, {"fastcgi_cache_purge", "ngx_cache_purge"}, {"proxy_cache_purge", "ngx_cache_purge"},
		{"zstd", "zstd-nginx-module"}, {"subs_filter", "substitutions filter"}, {"mruby", "ngx_mruby"}, {"naxsi", "NAXSI"},
		{"SecRulesEnabled", "NAXSI"}, {"BasicRule", "NAXSI"}, {"MainRule", "NAXSI"}, {"CheckRule", "NAXSI"}, {"DeniedUrl", "NAXSI"},
		{"rtmp", "nginx-rtmp"}, {"push_stream", "push stream"}, {"nchan", "nchan"}, {"app_protect", "App Protect"}, {"f5_", "F5"},
		{"testcookie", "testcookie"}, {"auth_ldap", "nginx-auth-ldap"}, {"auth_pam", "auth_pam"}, {"dav_ext", "dav-ext"},
		{"concat", "ngx_http_concat"}, {"redis", "redis"}, {"redis2", "redis2"}, {"drizzle", "drizzle"}, {"srcache", "srcache"},
		{"shib_request", "shibboleth"}, {"cookie_flag", "cookie_flag"}, {"set_cookie_flag", "cookie_flag"}, {"limit_upstream", "limit_upstream"},
		{"check", "upstream_check"}, {"health_check", "NGINX Plus"}, {"status", "NGINX Plus"}, {"status_zone", "NGINX Plus"}, {"sticky", "NGINX Plus"},
		{"state", "NGINX Plus"}, {"queue", "NGINX Plus"}, {"auth_jwt", "NGINX Plus"}, {"upstream_conf", "NGINX Plus"}, {"api", "NGINX Plus"},
		{"match", "NGINX Plus"}, {"keyval", "NGINX Plus"},
		{"otel_", "OpenTelemetry"}, {"opentracing", "opentracing"}, {"vod", "nginx-vod"},
	},
}

// optionalModules are beginnings of names that nginx's own optional modules bring, and the module.
// Source: nginx, auto/options.
var optionalModules = [][2]string{{"mail", "mail"}, {"stream", "stream"}, {"image_filter", "http_image_filter"}, {"xslt_", "http_xslt"},
	{"perl", "http_perl"}, {"geoip_", "http_geoip"}}

// optionalModule is the module of nginx's own that brings a directive where it was built in or loaded.
func optionalModule(name string) string {
	for _, e := range optionalModules {
		if name == e[0] || strings.HasPrefix(name, strings.TrimSuffix(e[0], "_")+"_") {
			return e[1]
		}
	}
	return ""
}

// thirdParty is the module outside the server's own that brings a directive; empty when none is known.
func thirdParty(s ir.Server, name string) string {
	if s == ir.Apache {
		name = strings.ToLower(name)
	} else if strings.Contains(name, "_by_lua") {
		return "lua-nginx-module"
	}
	for _, e := range thirdPartyDirectives[s] {
		prefix := e[0]
		if name == prefix || strings.HasPrefix(name, prefix) && (len(prefix) >= 4 || strings.HasSuffix(prefix, "_")) && distinct(s, prefix, name) {
			return e[1]
		}
	}
	if s == ir.Apache && strings.HasPrefix(name, "sec") && len(name) > 6 {
		for _, w := range []string{"rule", "audit", "filter", "request", "response", "default", "upload", "debug", "data", "marker", "component"} {
			if strings.HasPrefix(name[3:], w) {
				return "ModSecurity"
			}
		}
	}
	return ""
}

// distinct tells whether the beginning of a name is enough to know the family: short plain words are not.
func distinct(s ir.Server, prefix, name string) bool {
	if s == ir.Apache {
		switch prefix {
		case "perl", "python", "upload", "fastcgi", "shib", "oidc", "wsgi", "geoip", "cosign":
			return true
		}
		return len(prefix) >= 5 || strings.HasSuffix(prefix, "_") || prefix == "rpaf"
	}
	switch prefix {
	case "check", "status", "state", "queue", "match", "mail", "stream", "api", "echo", "redis", "concat", "health_check", "sticky":
		return strings.HasPrefix(name[len(prefix):], "_") && prefix != "stream" && prefix != "mail"
	}
	return true
}

// shippedModules are the modules of httpd 2.4 by source file and by identifier.
// Source: httpd 2.4.71, modules/ and server/; the identifiers of LoadModule.
var shippedModules = func() []string {
	var out []string
	for _, m := range strings.Fields(shippedModuleNames) {
		out = append(out, "mod_"+m+".c", m+"_module")
	}
	return append(out, "core.c", "http_core.c", "mod_so.c", "so_module", "prefork.c", "worker.c", "event.c", "mpm_prefork_module",
		"mpm_worker_module", "mpm_event_module", "mpm_winnt.c", "mpm_netware.c", "mpmt_os2.c", "util_ldap.c", "ldap_module",
		"mod_http2.c", "http2_module", "sapi_apache2.c", "mod_watchdog.c", "watchdog_module", "mod_unixd.c", "unixd_module",
		"core_module", "http_module", "mod_systemd.c", "systemd_module", "mod_log_config.c", "log_config_module", "mod_logio.c",
		"logio_module", "mod_version.c", "version_module")
}()

const shippedModuleNames = `access_compat actions alias allowmethods asis auth_basic auth_digest auth_form authn_anon
	authn_core authn_dbd authn_dbm authn_file authn_socache authnz_fcgi authnz_ldap authz_core authz_dbd authz_dbm
	authz_groupfile authz_host authz_owner authz_user autoindex brotli bucketeer buffer cache cache_disk cache_socache
	case_filter case_filter_in cern_meta cgi cgid charset_lite data dav dav_fs dav_lock dbd deflate dialup dir dumpio
	echo env example_hooks expires ext_filter file_cache filter headers heartbeat heartmonitor http2 ident imagemap
	include info lbmethod_bybusyness lbmethod_byrequests lbmethod_bytraffic lbmethod_heartbeat ldap log_debug
	log_forensic lua macro md mime mime_magic negotiation privileges proxy proxy_ajp proxy_balancer proxy_connect
	proxy_express proxy_fcgi proxy_fdpass proxy_ftp proxy_hcheck proxy_html proxy_http proxy_http2 proxy_scgi
	proxy_uwsgi proxy_wstunnel ratelimit reflector remoteip reqtimeout request rewrite sed session session_cookie
	session_crypto session_dbd setenvif slotmem_plain slotmem_shm socache_dbm socache_dc socache_memcache socache_redis
	socache_shmcb speling ssl status substitute suexec tls unique_id userdir usertrack vhost_alias xml2enc`

// otherModules are modules that httpd 2.4 does not ship and whose names look like slips of those it does.
var otherModules = strings.Fields(`mod_access.c mod_auth.c mod_auth_dbm.c mod_auth_kerb.c mod_auth_mysql.c mod_auth_pgsql.c
	mod_auth_ldap.c mod_authz_svn.c mod_authz_default.c mod_dav_svn.c mod_disk_cache.c mod_mem_cache.c mod_gzip.c
	mod_header.c mod_layout.c mod_log_agent.c mod_log_referer.c mod_php.c mod_php3.c mod_php4.c mod_php5.c mod_php7.c
	mod_php8.c php_module php5_module php7_module mod_perl.c perl_module mod_python.c mod_wsgi.c wsgi_module mod_security.c
	mod_security2.c security2_module mod_fcgid.c fcgid_module mod_fastcgi.c fastcgi_module mod_pagespeed.c mod_spdy.c
	mod_evasive20.c mod_evasive24.c mod_rpaf.c mod_suphp.c mod_jk.c mod_ruid2.c mod_qos.c mod_xsendfile.c mod_geoip.c
	mod_shib.c mod_cosign.c mod_proxy_uwsgi.c mod_throttle.c mod_bwlimited.c mod_limitipconn.c mod_itk.c itk.c mpm_itk.c
	mpm_itk_module mod_unixd.c mod_dnssd.c mod_nss.c mod_auth_gssapi.c mod_auth_openidc.c mod_auth_cas.c mod_litespeed.c
	LiteSpeed litespeed mod_passenger.c peruser.c perchild.c mod_r.c mod_h264_streaming.c mod_flvx.c mod_cband.c mod_ftp.c
	mod_authn_default.c mod_authn_alias.c mod_imap.c mod_proxy_http3.c mod_setenv.c mod_mono.c mod_tile.c mod_lisp.c`)

var moduleSet = func() map[string]bool {
	m := map[string]bool{}
	for _, list := range [][]string{shippedModules, otherModules} {
		for _, name := range list {
			m[name] = true
		}
	}
	return m
}()

// isModule tells whether some module, shipped or not, has that source file or identifier.
func isModule(name string) bool { return moduleSet[name] }

var shippedSet = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range shippedModules {
		m[name] = true
	}
	return m
}()

// isShipped tells whether httpd itself brings a module, by source file or identifier.
func isShipped(name string) bool { return shippedSet[name] }

// ThirdParty names the module outside the server's own sources that brings a directive; "" when none is known.
func ThirdParty(server ir.Server, directive string) string { return thirdParty(server, directive) }
