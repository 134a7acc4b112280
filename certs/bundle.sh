#!/bin/sh
#
# bundle.sh -- prints the certificate authorities that travel inside the binary, as PEM.
#
# Whom: Mozilla's list as this machine's package ca-certificates carries it, less what its administrator
# switched off. Authorities that somebody added to this machine alone (a company's proxy, a sandbox) are
# left out: the binary goes elsewhere. certs/ca-bundle.crt in the tree, if there is one, is taken instead of
# all that.
# Needs: any of the three; prints nothing and fails if there is none.

here=$(dirname "$0")
shipped=/usr/share/ca-certificates
chosen=/etc/ca-certificates.conf

if [ -f "$here/ca-bundle.crt" ]; then
	cat "$here/ca-bundle.crt"
elif [ -f "$chosen" ] && [ -d "$shipped/mozilla" ]; then
	grep '^mozilla/' "$chosen" | LC_ALL=C sort | while read -r name; do
		[ -f "$shipped/$name" ] || continue
		name=${name#mozilla/}
		printf '# %s\n' "${name%.crt}"
		cat "$shipped/mozilla/$name"
	done
else
	# Not Debian's layout: the machine's whole bundle is all there is.
	for f in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
		[ -f "$f" ] && exec cat "$f"
	done
	echo "bundle.sh: no certificate authorities here: install ca-certificates" >&2
	exit 1
fi
