// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"regexp"
	"slices"
	"strings"
)

// secrets are names of members that nobody should be shown of others, and mostly
// not of oneself; personal are those that are somebody's own.
var (
	secrets = []string{"password", "passwd", "pwd", "passwordhash", "hashedpassword", "passhash", "pwhash", "hash", "salt", "secret",
		"secretkey", "privatekey", "apikey", "apisecret", "accesskey", "token", "accesstoken", "refreshtoken", "authtoken", "sessiontoken",
		"sessionid", "resettoken", "otp", "otpsecret", "totp", "totpsecret", "mfasecret", "pin", "cvv", "cvc", "securityanswer",
		"passphrase", "clientsecret", "encryptionkey", "recoverycode", "recoverycodes", "credential", "credentials"}
	personal = []string{"email", "mail", "emailaddress", "phone", "phonenumber", "mobile", "telephone", "ssn", "socialsecuritynumber",
		"taxid", "nationalid", "passport", "passportnumber", "iban", "accountnumber", "bankaccount", "cardnumber", "creditcard", "pan",
		"birthdate", "dateofbirth", "dob", "salary", "balance", "credit", "homeaddress", "address", "street", "location", "latitude",
		"longitude", "ip", "ipaddress", "lastip", "lastloginip", "medicalrecord", "diagnosis", "availablecredit", "vin", "income"}
)

// Secret tells that a member's name says that it is a secret.
func Secret(name string) bool {
	p := Plain(name)
	return slices.Contains(secrets, p) || strings.HasSuffix(p, "password") || strings.HasSuffix(p, "passwordhash") ||
		strings.HasSuffix(p, "secret") || strings.HasSuffix(p, "apikey") || strings.HasSuffix(p, "privatekey") ||
		strings.HasPrefix(p, "password") && (strings.HasSuffix(p, "hash") || strings.HasSuffix(p, "salt") || strings.HasSuffix(p, "digest"))
}

// Personal tells that a member's name says that it is somebody's own.
func Personal(name string) bool {
	p := Plain(name)
	return slices.Contains(personal, p) || strings.HasSuffix(p, "email") || strings.HasSuffix(p, "phone") || strings.HasSuffix(p, "phonenumber")
}

var (
	bcrypt = regexp.MustCompile(`^\$(2[abxy]?|argon2(id?|d)|5|6|scrypt|pbkdf2[-a-z0-9]*)\$`)
	email  = regexp.MustCompile(`^[^@\s<>]{1,64}@[a-zA-Z0-9.-]{1,190}\.[a-zA-Z]{2,}$`)
	phone  = regexp.MustCompile(`^\+[0-9][0-9 ().-]{7,20}$`)
	jwt    = regexp.MustCompile(`^eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*$`)
	pem    = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`)
)

// SecretShape tells that a text is a password's hash, a token or a private key,
// whatever it is called.
func SecretShape(text string) bool {
	return bcrypt.MatchString(text) || jwt.MatchString(text) || pem.MatchString(text)
}

// PersonalShape tells that a text is a mail address or a phone number.
func PersonalShape(text string) bool { return email.MatchString(text) || phone.MatchString(text) }

// Sensitive tells that a leaf holds something that is not for everybody.
func Sensitive(l Leaf) bool {
	if l.Text == "" || masked(l.Text) {
		return false
	}
	return Secret(l.Name) && l.Text != "true" && l.Text != "false" || Personal(l.Name) || SecretShape(l.Text) || PersonalShape(l.Text)
}

// masked tells that a value was made unreadable: "***", "a***@b.c", "[hidden]".
func masked(text string) bool {
	return strings.Contains(text, "**") || strings.Contains(text, "••") || strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") ||
		strings.EqualFold(text, "redacted") || strings.EqualFold(text, "hidden") || strings.Trim(text, "xX-*•. ") == ""
}

// Masked tells that a value was made unreadable.
func Masked(text string) bool { return masked(text) }
