// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"slices"
	"strings"
)

// common are secrets that tutorials, generators and hurried people use.
var common = strings.Fields(`
secret Secret SECRET mysecret my_secret my-secret mySecret secret123 secret1 secretkey secret_key secret-key secretKey SecretKey
SECRET_KEY supersecret super_secret super-secret superSecret supersecretkey super_secret_key super-secret-key topsecret top_secret
top-secret verysecret very_secret verysecretkey s3cr3t S3cr3t sssecret thisisasecret this_is_a_secret this-is-a-secret
notsosecret not-so-secret shhhh shhhhh shhhhhh keyboardcat password Password password1 password123 passw0rd Passw0rd p@ssw0rd P@ssw0rd pass
pass123 passphrase changeme change_me change-me changeit ChangeMe admin admin123 administrator root toor test test123
testing testkey test_key testsecret test-secret demo example sample default dev development debug local localhost staging prod
production key key123 mykey my_key my-key privatekey private_key private-key private publickey signingkey signing_key signing-key
signature hmac hmackey hs256 HS256 hs256-secret jwt JWT jwtsecret jwt_secret jwt-secret jwtSecret JwtSecret JWT_SECRET jwtkey jwt_key jwt-key
jwttoken jwt_token token Token tokensecret token_secret token-secret access accesstoken access_token auth authsecret auth_secret auth-secret
authkey auth_key authentication authorization session sessionsecret session_secret app appsecret app_secret app-secret application
api apikey api_key api-key apisecret api_secret api-secret server serversecret client website web node nodejs express flask django
laravel spring springboot rails golang go python java php random qwerty qwerty123 qwertyuiop abc abc123 abcd1234 abcdef asdf asdfgh
letmein welcome welcome1 hello helloworld iloveyou monkey dragon master sunshine football 123 1234 12345 123456 1234567 12345678
123456789 1234567890 0123456789 000000 111111 123123 654321 0 1 a x foo bar foobar foobarbaz baz lorem company internal service user
users username login crypto cipher encryption salt pepper bearer oauth oauth2 your_secret your-secret yoursecret your_secret_key
your-secret-key your_jwt_secret your-jwt-secret your-256-bit-secret your-384-bit-secret your-512-bit-secret insecure unsafe weak vulnerable
hackme damn owasp juice crapi vampi dvws goat hacker hunter2 temp temporary tmp todo replace_me replaceme REPLACE_ME none null
undefined true false object string value
`)

// phrases are those with a space, and the blank ones.
var phrases = []string{"", " ", "my secret", "my secret key", "super secret", "this is a secret", "top secret", "keyboard cat", "secret key", "\x00"}

// words are the guesses for one API: the list, and what its title and address
// suggest.
func words(names ...string) []string {
	out := append(slices.Clone(phrases), common...)
	for _, name := range names {
		for _, w := range strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(" -_./:", r) }) {
			if len(w) < 2 || len(w) > 30 {
				continue
			}
			low := strings.ToLower(w)
			for _, form := range []string{w, low} {
				out = append(out, form, form+"secret", form+"_secret", form+"-secret", form+"key", form+"_key", form+"-key", form+"123")
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
