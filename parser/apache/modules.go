package apache

import (
	"strings"
	"sync"
)

// shippedModules are the modules that httpd 2.4 ships, by source file, and Debian's build has, with the event MPM.
const shippedModules = `core.c http_core.c event.c mod_so.c mod_watchdog.c mod_log_config.c mod_logio.c mod_version.c mod_unixd.c
mod_access_compat.c mod_actions.c mod_alias.c mod_allowmethods.c mod_asis.c mod_auth_basic.c mod_auth_digest.c mod_auth_form.c
mod_authn_anon.c mod_authn_core.c mod_authn_dbd.c mod_authn_dbm.c mod_authn_file.c mod_authn_socache.c mod_authnz_fcgi.c
mod_authnz_ldap.c mod_authz_core.c mod_authz_dbd.c mod_authz_dbm.c mod_authz_groupfile.c mod_authz_host.c mod_authz_owner.c
mod_authz_user.c mod_autoindex.c mod_brotli.c mod_buffer.c mod_cache.c mod_cache_disk.c mod_cache_socache.c mod_cern_meta.c
mod_cgi.c mod_cgid.c mod_charset_lite.c mod_data.c mod_dav.c mod_dav_fs.c mod_dav_lock.c mod_dbd.c mod_deflate.c mod_dialup.c
mod_dir.c mod_dumpio.c mod_echo.c mod_env.c mod_expires.c mod_ext_filter.c mod_file_cache.c mod_filter.c mod_headers.c
mod_heartbeat.c mod_heartmonitor.c mod_http2.c mod_ident.c mod_imagemap.c mod_include.c mod_info.c mod_lbmethod_bybusyness.c
mod_lbmethod_byrequests.c mod_lbmethod_bytraffic.c mod_lbmethod_heartbeat.c util_ldap.c mod_log_debug.c mod_log_forensic.c
mod_lua.c mod_macro.c mod_md.c mod_mime.c mod_mime_magic.c mod_negotiation.c mod_proxy.c mod_proxy_ajp.c mod_proxy_balancer.c
mod_proxy_connect.c mod_proxy_express.c mod_proxy_fcgi.c mod_proxy_fdpass.c mod_proxy_ftp.c mod_proxy_hcheck.c
mod_proxy_html.c mod_proxy_http.c mod_proxy_http2.c mod_proxy_scgi.c mod_proxy_uwsgi.c mod_proxy_wstunnel.c mod_ratelimit.c
mod_reflector.c mod_remoteip.c mod_reqtimeout.c mod_request.c mod_rewrite.c mod_sed.c mod_session.c mod_session_cookie.c
mod_session_crypto.c mod_session_dbd.c mod_setenvif.c mod_slotmem_plain.c mod_slotmem_shm.c mod_socache_dbm.c
mod_socache_memcache.c mod_socache_redis.c mod_socache_shmcb.c mod_speling.c mod_ssl.c mod_status.c mod_substitute.c
mod_suexec.c mod_unique_id.c mod_userdir.c mod_usertrack.c mod_vhost_alias.c mod_xml2enc.c`

var shipped = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(shippedModules) {
		m[name] = true
	}
	return m
})

// oddModules are the identifiers that do not follow from the source file's name.
var oddModules = map[string]string{
	"core_module": "core.c", "http_module": "http_core.c", "mpm_event_module": "event.c", "mpm_worker_module": "worker.c",
	"mpm_prefork_module": "prefork.c", "ldap_module": "util_ldap.c",
}

// moduleFile is the source file name of a module that is named either way.
func moduleFile(name string) string {
	if f := oddModules[name]; f != "" {
		return f
	}
	if base, ok := strings.CutSuffix(name, "_module"); ok {
		return "mod_" + base + ".c"
	}
	return name
}

// ModuleIdentifier is the name by which LoadModule knows a module: "rewrite_module" for "mod_rewrite.c".
func ModuleIdentifier(file string) string {
	for id, f := range oddModules {
		if f == file {
			return id
		}
	}
	return strings.TrimSuffix(strings.TrimPrefix(file, "mod_"), ".c") + "_module"
}

// ModuleFile is the source file name of a module that is named either way: "mod_rewrite.c" for "rewrite_module".
func ModuleFile(name string) string { return moduleFile(name) }

// Ships tells whether httpd 2.4 itself has a module, by source file name.
func Ships(file string) bool { return shipped()[file] }
