#!/bin/sh
# Makes what a Purser in containers is given as files: its keys, a local authority, certificates for its own doors.
#   make-keys.sh FOLDER [NAME...]     NAMEs: what agents call the proxy and what Purser calls its database
# FOLDER/keys is for Purser alone, FOLDER/trust for agents, FOLDER/database for PostgreSQL. What is there already stays,
# so a second run changes nothing: keys that a ledger was begun with must not change under it.
set -eu
umask 077
folder=${1:?usage: make-keys.sh FOLDER [NAME...]}
shift
names='DNS:localhost,IP:127.0.0.1'
for name in "$@"; do names="$names,DNS:$name"; done
mkdir -p "$folder/keys" "$folder/database"
mkdir -p "$folder/trust"
cd "$folder"

# A file is there whole or not at all, so that a run that was cut off can be repeated.
keep() { [ -s "$1" ] || { "$2" > "$1.new" && mv "$1.new" "$1"; }; }
hex() { openssl rand -hex 32; }
wallet() { printf '0x%s\n' "$(hex)"; }
p256() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256; }
admin() { printf 'pat_%s\n' "$(hex)"; }

for name in nonce receipt answer token; do keep "keys/$name.key" hex; done
keep keys/wallet.key wallet
keep keys/admin.token admin
keep keys/ca.key p256
keep keys/tls.key p256
keep database/password hex
keep database/tls.key p256

authority() {
  openssl req -x509 -new -key keys/ca.key -sha256 -days 1825 -subj '/CN=Purser local authority' \
    -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' -addext 'keyUsage=critical,keyCertSign,cRLSign'
}
keep keys/ca.pem authority

# One certificate for the doors and the database, 825 days at most, because some clients take no longer ones.
certificate() {
  printf 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=%s\n' "$names" > extensions
  openssl req -new -key "$1" -subj '/CN=purser' |
    openssl x509 -req -sha256 -days 825 -CA keys/ca.pem -CAkey keys/ca.key -extfile extensions 2> /dev/null
  rm extensions
}
door() { certificate keys/tls.key; }
database() { certificate database/tls.key; }
keep keys/tls.crt door
keep database/tls.crt database
cp database/password keys/ledger.password

# Most tools know only variables that replace their roots, so agents get the usual ones and ours in one file.
roots=''
for file in ${SSL_CERT_FILE:-} /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
  if [ -z "$roots" ] && [ -s "$file" ]; then roots=$file; fi
done
[ -n "$roots" ] || { echo 'No roots found. Name a file with the usual certificates in SSL_CERT_FILE.' >&2; exit 1; }
cp keys/ca.pem trust/ca.pem
cat "$roots" keys/ca.pem > trust/ca-bundle.pem
chmod 755 trust
chmod 644 trust/ca.pem trust/ca-bundle.pem
