"""The texts of the files for hosts. `@name@` stands for what `hosting.py` puts in."""

from __future__ import annotations

HTACCESS = """\
# Made by portalgen for this site's address; written anew with every build.
DirectoryIndex index.html
ErrorDocument 403 @path@404.html
ErrorDocument 404 @path@404.html
<IfModule mod_autoindex.c>
  IndexIgnore *
</IfModule>
<IfModule mod_mime.c>
  AddDefaultCharset utf-8
  AddType text/calendar .ics
  AddType font/woff2 .woff2
  AddType image/svg+xml .svg
</IfModule>
<IfModule mod_setenvif.c>
  SetEnvIf Request_URI "^@pattern@p/" PORTALGEN_PRIVATE
  SetEnvIf Request_URI "^@pattern@assets/" PORTALGEN_LASTING
</IfModule>
<IfModule mod_headers.c>
@headers@
@lasting@
@private@
</IfModule>
@https@"""

HTACCESS_HTTPS = """\
<IfModule mod_rewrite.c>
  RewriteEngine On
  # Hosts say in different ways that the reader came over https; your own machine has none.
  RewriteCond %{HTTPS} !=on
  RewriteCond %{HTTP:X-Forwarded-Proto} !=https
  RewriteCond %{HTTP:X-Forwarded-SSL} !=on
  RewriteCond %{HTTP_HOST} !^(localhost|127\\.0\\.0\\.1)(:[0-9]+)?$
  RewriteCond %{THE_REQUEST} !\\s/\\.well-known/acme-challenge/
  RewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [L,NE,R=301]
</IfModule>
"""

NGINX = """\
# @mark@
# For nginx. portalgen writes this file anew while it is as portalgen made it. Change it as you like: a changed file
# is left alone. To have a fresh one, delete it and build.
server {
@listen@  server_name @host@;

  root @folder@;
  index index.html;
  autoindex off;
  absolute_redirect off;
  charset utf-8;
  error_page 403 404 @path@404.html;

@headers@

  # The address as it was asked for, so that answers to wrong private addresses have these headers too.
  set $portalgen_cache "";
  set $portalgen_robots "";
  if ($request_uri ~ "^/*@pattern@p/") {
    set $portalgen_cache "@cache@";
    set $portalgen_robots "@robots@";
  }
  if ($uri ~ "^@pattern@assets/") {
    set $portalgen_cache "@lasting@";
  }
  add_header Cache-Control $portalgen_cache always;
  add_header X-Robots-Tag $portalgen_robots always;

  # where the certificate's renewal looks (certbot --webroot -w /var/www/html)
  location /.well-known/acme-challenge/ {
    root /var/www/html;
  }
  location ~ /\\.(?!well-known/) {
    return 404;
  }
  location ~ \\.ics$ {
    types { text/calendar ics; }
  }
}
"""

NGINX_HTTPS = """\
  listen 80;
  listen [::]:80;
  listen 443 ssl;
  listen [::]:443 ssl;
  ssl_certificate /etc/letsencrypt/live/@host@/fullchain.pem;
  ssl_certificate_key /etc/letsencrypt/live/@host@/privkey.pem;
  if ($scheme = http) {
    return 301 https://$host$request_uri;
  }
"""

CADDY = """\
# @mark@
# For Caddy, which fetches the certificate and leads http to https by itself. portalgen writes this file anew while it
# is as portalgen made it. Change it as you like: a changed file is left alone. For a fresh one, delete it and build.
@address@ {
	root * @folder@

	header {
@headers@
	}
	@private expression {http.request.orig_uri.path}.startsWith("@path@p/")
	header @private {
@private@
	}
	@lasting path @path@assets/*
	header @lasting Cache-Control "@lasting@"

	file_server {
		hide .htaccess .nojekyll _headers
	}

	handle_errors {
		rewrite * @path@404.html
		file_server
	}
}
"""

LIGHTTPD = """\
# @mark@
# For lighttpd. portalgen writes this file anew while it is as portalgen made it. Change it as you like: a changed file
# is left alone. To have a fresh one, delete it and build.
server.modules += ( "mod_access", "mod_redirect", "mod_setenv" )
@tls@
$HTTP["host"] =~ "^@host@(:[0-9]+)?$" {
  server.document-root = "@folder@"
  index-file.names = ( "index.html" )
  # with 404.html this is the page for wrong addresses; their status stays 404
  server.errorfile-prefix = "@output@/"
  url.access-deny = ( ".htaccess", "_headers" )
  setenv.set-response-header = (
@headers@
  )
  # where the certificate's renewal looks (certbot --webroot -w /var/www/html)
  $HTTP["url"] =~ "^/\\.well-known/acme-challenge/" {
    server.document-root = "/var/www/html"
  }
  $HTTP["url"] =~ "^@pattern@assets/" {
    setenv.set-response-header = (
@lasting@
    )
  }
  $HTTP["url"] =~ "^@pattern@p/" {
    setenv.set-response-header = (
@private@
    )
  }
}
"""

LIGHTTPD_HTTPS = """\
server.modules += ( "mod_openssl" )
$SERVER["socket"] == ":443" {
  ssl.engine = "enable"
  ssl.pemfile = "/etc/letsencrypt/live/@host@/fullchain.pem"
  ssl.privkey = "/etc/letsencrypt/live/@host@/privkey.pem"
}
$HTTP["scheme"] == "http" {
  $HTTP["host"] =~ "^@host@(:[0-9]+)?$" {
    url.redirect = ( "" => "https://@host@${url.path}${qsa}" )
  }
}
"""

INDEX_FUNCTION = """\
// @mark@
// A CloudFront function for viewer requests: an address that ends in / means the index.html in that folder.
function handler(event) {
  var request = event.request;
  if (request.uri.endsWith('/')) {
    request.uri += 'index.html';
  }
  return request;
}
"""

WORKFLOW = """\
# @mark@
# For GitHub Pages: put this file at .github/workflows/portalgen.yml of the PRIVATE repository that holds your practice.
# portalgen writes hosting/github-pages.yml anew while it is as portalgen made it; a changed file is left alone.
name: portalgen

on:
  push:
    branches: [main]
  schedule:
    - cron: "23 3 * * *" # each night, in UTC: what pages say about dates follows from the day
  workflow_dispatch:

permissions:
  contents: read
  pages: write
  id-token: write

concurrency:
  group: pages
  cancel-in-progress: false

jobs:
  site:
    runs-on: ubuntu-latest
    environment:
      name: github-pages
    steps:
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - name: Install portalgen
        run: pip install tools/@wheel@
      - name: Build
        env:
          PORTALGEN_KEY: ${{ secrets.PORTALGEN_KEY }}
        run: |
          if [ -z "$PORTALGEN_KEY" ]; then
            echo "::error::The secret PORTALGEN_KEY is missing (Settings, Secrets and variables, Actions)."
            exit 1
          fi
          portalgen build
      - name: Refuse what your own computer does not know
        run: |
          # every link has a salt, every issued document a hash; that a link has ended changes neither
          promised() { grep -oE '"(salt|sha256)": "[0-9a-f]+"' | sort; }
          known=$(git show HEAD:portalgen.lock 2>/dev/null | promised || true)
          made=$(cat portalgen.lock 2>/dev/null | promised || true)
          if [ "$known" != "$made" ]; then
            echo "::error::This build made new links or documents. Build on your computer, then commit portalgen.lock."
            exit 1
          fi
      - uses: actions/upload-pages-artifact@v3
        with:
          path: output
      - uses: actions/deploy-pages@v4
"""

S3 = """\
<!-- @mark@ -->

# Your site on S3 with CloudFront

portalgen writes this file anew while it is as portalgen made it. Change it as you like: a changed file is left alone.
Run the commands in the folder of your practice. `BUCKET` is the bucket's name; `DISTRIBUTION` is the distribution's id.

## Once

1. Make a bucket with all public access blocked. Nobody but CloudFront may read it, and nobody may list it.
2. Make the two policies that add the headers, and keep the ids that are printed:

       aws cloudfront create-response-headers-policy \\
         --response-headers-policy-config file://hosting/headers-everywhere.json
       aws cloudfront create-response-headers-policy \\
         --response-headers-policy-config file://hosting/headers-private.json

3. Make a CloudFront function from `hosting/index-pages.js` and publish it.
4. Make a distribution for `@host@` with the bucket as its origin, through origin access control:
   * *Redirect HTTP to HTTPS*;
   * the default behaviour with the policy `portalgen-everywhere-…` and the function on viewer requests;
   * one more behaviour for `/p/*` with the policy `portalgen-private-…`, the function, and the cache policy
     *CachingDisabled*;
   * custom error responses for 403 and 404: the page `@path@404.html` with the status 404. S3 says 403 for what is not
     there to those who may not list.

## After every build

In this order, so that a page never asks for a file that is not there yet, and old files go last:

    aws s3 sync output/assets s3://BUCKET@path@assets --cache-control "@lasting@"
    aws s3 sync output s3://BUCKET@path@ --exclude "assets/*" --exclude "p/*" --cache-control "no-cache"
    aws s3 sync output/p s3://BUCKET@path@p --cache-control "@private@" --delete
    aws s3 sync output s3://BUCKET@path@ --exclude "p/*" --delete
    aws cloudfront create-invalidation --distribution-id DISTRIBUTION --paths "/*"

Never add `--size-only`: a private page that changed often has the same size as before. Then:

    portalgen verify https://@host@@path@
"""
