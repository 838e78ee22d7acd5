package load

import (
	"strings"
	"sync"
)

// The words by which configuration is known. These tables only have to tell files apart; what a directive
// may say and where it may stand is decided by parser/apache and parser/nginx.

// How much an Apache word says about the file it begins a line of.
const (
	anywhere    = iota + 1 // also a word of other formats, or of prose
	strong                 // nothing but httpd's configuration begins a line like this
	serverOnly             // strong, and stands outside of <VirtualHost> only
	hostToo                // strong, and stands in no .htaccess
	transparent            // section that is decided while reading
	enclosing              // section
)

var apacheSections = lazyWords(map[int]string{
	transparent: "ifmodule ifdefine ifversion iffile ifdirective ifsection",
	enclosing: "macro virtualhost directory directorymatch location locationmatch files filesmatch limit limitexcept if elseif else " +
		"requireall requireany requirenone proxy proxymatch authnprovideralias authzprovideralias",
})

var apacheWords = lazyWords(map[int]string{
	strong: "rewriteengine rewriterule rewritecond rewritebase rewriteoptions redirectmatch redirectpermanent redirecttemp errordocument " +
		"directoryindex directoryslash fallbackresource addtype addhandler addcharset adddefaultcharset addencoding addlanguage addoutputfilter " +
		"addoutputfilterbytype sethandler forcetype removehandler removetype setenvif setenvifnocase browsermatch browsermatchnocase expiresactive " +
		"expiresbytype expiresdefault fileetag requestheader authtype authname authuserfile authgroupfile indexoptions indexignore addicon " +
		"addiconbytype adddescription defaulttype php_value php_flag php_admin_value php_admin_flag setoutputfilter setinputfilter serversignature " +
		"limitrequestbody defaultlanguage languagepriority forcelanguagepriority contentdigest checkspelling checkcaseonly mod_gzip_on " +
		"mod_gzip_item_include header options",
	anywhere: "redirect allow deny order satisfy require setenv unsetenv passenv include includeoptional define use",
	hostToo: "documentroot servername serveralias serveradmin customlog transferlog scriptalias scriptaliasmatch alias aliasmatch proxypass " +
		"proxypassmatch proxypassreverse proxypreservehost proxyrequests sslengine sslcertificatefile sslcertificatekeyfile sslprotocol " +
		"sslciphersuite sslproxyengine allowoverride wsgiscriptalias wsgidaemonprocess wsgiprocessgroup rewritemap assignuserid suexecusergroup " +
		"serverpath errorlog loglevel allowencodedslashes usecanonicalname virtualdocumentroot",
	serverOnly: "servertokens listen loadmodule serverroot pidfile namevirtualhost keepalivetimeout maxkeepaliverequests user group startservers " +
		"maxrequestworkers maxclients mutex accessfilename typesconfig logformat hostnamelookups timeout addmodule clearmodulelist servertype",
})

// plainWords begin lines of other formats too when they are in lower case, in which hardly anyone writes httpd's.
var plainWords = lazyWords(map[int]string{anywhere: "options alias user group timeout listen header mutex"})

// Where an nginx directive is at home, as far as that tells contexts apart.
const (
	nginxAny = iota + 1 // http, server and location alike
	nginxMain
	nginxHTTP
	nginxServer
	nginxLocation
)

var nginxWords = lazyWords(map[int]string{
	nginxMain: "events worker_processes worker_connections worker_rlimit_nofile pid user daemon master_process load_module error_log pcre_jit stream " +
		"mail http thread_pool env worker_cpu_affinity timer_resolution",
	nginxHTTP: "upstream map geo split_clients limit_req_zone limit_conn_zone proxy_cache_path fastcgi_cache_path log_format server_names_hash_bucket_size " +
		"server_names_hash_max_size map_hash_bucket_size map_hash_max_size types_hash_max_size variables_hash_max_size sendfile tcp_nopush " +
		"perl_modules geoip_country geoip_city lua_package_path lua_shared_dict init_by_lua_block uwsgi_cache_path",
	nginxServer: "server listen server_name location return rewrite if set break try_files ssl_certificate ssl_certificate_key large_client_header_buffers " +
		"merge_slashes underscores_in_headers",
	nginxLocation: "alias internal proxy_pass fastcgi_pass uwsgi_pass scgi_pass memcached_pass grpc_pass empty_gif stub_status limit_except",
	nginxAny: "include root index error_page add_header expires access_log allow deny auth_basic auth_basic_user_file auth_request auth_request_set " +
		"satisfy autoindex default_type types charset charset_types gzip gzip_types gzip_vary gzip_static gzip_min_length gzip_comp_level gzip_proxied " +
		"gzip_disable gzip_buffers gzip_http_version client_max_body_size client_body_buffer_size client_body_timeout client_header_timeout " +
		"keepalive_timeout keepalive_requests send_timeout tcp_nodelay server_tokens resolver resolver_timeout log_not_found absolute_redirect " +
		"server_name_in_redirect port_in_redirect recursive_error_pages etag if_modified_since limit_req limit_conn limit_rate open_file_cache " +
		"open_file_cache_valid open_file_cache_errors open_file_cache_min_uses real_ip_header real_ip_recursive set_real_ip_from sub_filter " +
		"sub_filter_once sub_filter_types proxy_set_header proxy_redirect proxy_http_version proxy_buffering proxy_buffers proxy_buffer_size " +
		"proxy_busy_buffers_size proxy_cache proxy_cache_valid proxy_cache_key proxy_cache_bypass proxy_no_cache proxy_cache_use_stale " +
		"proxy_connect_timeout proxy_read_timeout proxy_send_timeout proxy_hide_header proxy_pass_header proxy_intercept_errors " +
		"proxy_request_buffering proxy_ssl_server_name proxy_ssl_verify proxy_cookie_path proxy_cookie_domain proxy_max_temp_file_size " +
		"proxy_ignore_headers proxy_next_upstream fastcgi_param fastcgi_index fastcgi_split_path_info fastcgi_buffers fastcgi_buffer_size " +
		"fastcgi_busy_buffers_size fastcgi_read_timeout fastcgi_send_timeout fastcgi_connect_timeout fastcgi_intercept_errors fastcgi_keep_conn " +
		"fastcgi_temp_file_write_size fastcgi_hide_header fastcgi_ignore_headers fastcgi_cache fastcgi_cache_valid fastcgi_cache_key " +
		"fastcgi_cache_bypass fastcgi_no_cache fastcgi_cache_use_stale fastcgi_pass_header uwsgi_param uwsgi_read_timeout scgi_param " +
		"ssl_protocols ssl_ciphers ssl_prefer_server_ciphers ssl_session_cache ssl_session_timeout ssl_session_tickets ssl_dhparam ssl_stapling " +
		"ssl_stapling_verify ssl_trusted_certificate ssl_ecdh_curve ssl ssl_buffer_size ssl_client_certificate ssl_verify_client http2 aio directio " +
		"more_set_headers more_clear_headers ssi ssi_types valid_referers secure_link secure_link_md5 mirror content_by_lua_block " +
		"access_by_lua_block rewrite_by_lua_block header_filter_by_lua_block access_by_lua_file content_by_lua_file rewrite_by_lua_file " +
		"set_by_lua_block pagespeed keepalive ip_hash least_conn hash default hostnames chunked_transfer_encoding disable_symlinks " +
		"fastcgi_cache_lock fastcgi_cache_background_update mp4 flv dav_methods brotli brotli_types upload_progress",
})

// lazyWords makes a table of one value for each word from one list of words for each value, on first use.
func lazyWords(lists map[int]string) func() map[string]int {
	return sync.OnceValue(func() map[string]int {
		out := map[string]int{}
		for kind, list := range lists {
			for _, word := range strings.Fields(list) {
				out[word] = kind
			}
		}
		return out
	})
}
