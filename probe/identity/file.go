// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"fmt"
	"os"
	"reflect"

	"durward/internal/strictyaml"
	"durward/internal/units"
)

// File is a users' file: WFC Authentication with additions, which are marked.
type File struct {
	// SchemaVersion of the Web Fuzzing Commons; not looked at.
	SchemaVersion string `yaml:"schemaVersion"`
	// Auth lists the users.
	Auth []User `yaml:"auth"`
	// AuthTemplate holds what users do not say themselves.
	AuthTemplate *User `yaml:"authTemplate"`
	// Configs are settings of other tools; not looked at.
	Configs map[string]string `yaml:"configs"`
}

// Pair is one header field.
type Pair struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value" secret:"true"`
}

// User is one entry of a users' file.
type User struct {
	// Name identifies the user in reports.
	Name string `yaml:"name"`
	// RequireMockHandling is for white-box tools; not looked at.
	RequireMockHandling *bool `yaml:"requireMockHandling"`
	// FixedHeaders are sent with each request.
	FixedHeaders []Pair `yaml:"fixedHeaders"`
	// LoginEndpointAuth gets a token or cookies by a request.
	LoginEndpointAuth *Login `yaml:"loginEndpointAuth"`

	// Roles and Scopes are what the user has. (Addition.)
	Roles  []string `yaml:"roles"`
	Scopes []string `yaml:"scopes"`
	// Known are values of the user that requests may need: username, email, id.
	// (Addition.)
	Known map[string]string `yaml:"known"`
	// Bearer is a token for Authorization. (Addition.)
	Bearer string `yaml:"bearer" secret:"true"`
	// Basic is for HTTP Basic. (Addition.)
	Basic *Basic `yaml:"basic"`
	// APIKeys are secrets by the name of the document's security scheme.
	// (Addition.)
	APIKeys map[string]string `yaml:"apiKeys" secret:"true"`
	// OAuth2 gets tokens at a token endpoint. (Addition.)
	OAuth2 *OAuth2 `yaml:"oauth2"`
	// Register is requested before the first login; that the user exists
	// already is no fault. (Addition.)
	Register *Login `yaml:"register"`
	// Expires is how long credentials are used before they are renewed without
	// waiting for a 401. (Addition.)
	Expires units.Duration `yaml:"expires"`
}

// Login is a request that gives credentials.
type Login struct {
	Endpoint            string       `yaml:"endpoint"`
	ExternalEndpointURL string       `yaml:"externalEndpointURL"`
	PayloadRaw          string       `yaml:"payloadRaw" secret:"true"`
	PayloadUserPwd      *UserPwd     `yaml:"payloadUserPwd"`
	Headers             []Pair       `yaml:"headers"`
	Verb                string       `yaml:"verb" enum:"POST,GET,PATCH,DELETE,PUT"`
	ContentType         string       `yaml:"contentType"`
	Token               *TokenRecipe `yaml:"token"`
	ExpectCookies       *bool        `yaml:"expectCookies"`
}

// UserPwd is a payload of a name and a password.
type UserPwd struct {
	Username      string `yaml:"username"`
	Password      string `yaml:"password" secret:"true"`
	UsernameField string `yaml:"usernameField"`
	PasswordField string `yaml:"passwordField"`
}

// TokenRecipe says where a token is in the answer, and how it is sent. The last
// three are the names of earlier versions.
type TokenRecipe struct {
	ExtractFrom     string `yaml:"extractFrom" enum:"body,header"`
	ExtractSelector string `yaml:"extractSelector"`
	SendIn          string `yaml:"sendIn" enum:"header,query,cookie"`
	SendName        string `yaml:"sendName"`
	SendTemplate    string `yaml:"sendTemplate"`

	ExtractFromField string `yaml:"extractFromField"`
	HTTPHeaderName   string `yaml:"httpHeaderName"`
	HeaderPrefix     string `yaml:"headerPrefix"`
}

// Basic is a name and a password.
type Basic struct {
	Username string `yaml:"username"`
	Password string `yaml:"password" secret:"true"`
}

// OAuth2 is a token endpoint with what is sent to it: client credentials (RFC
// 6749, section 4.4), or a refresh token (section 6) when there is one.
type OAuth2 struct {
	TokenURL     string   `yaml:"tokenUrl"`
	ClientID     string   `yaml:"clientId"`
	ClientSecret string   `yaml:"clientSecret" secret:"true"`
	RefreshToken string   `yaml:"refreshToken" secret:"true"`
	Scopes       []string `yaml:"scopes"`
	Audience     string   `yaml:"audience"`
	// InBody sends id and secret in the body rather than as HTTP Basic.
	InBody bool `yaml:"inBody"`
}

// Read reads a users' file. ${VAR} and ${file:PATH} stand for values from
// outside. Every fault is in the error, with its line.
func Read(path string) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data, os.LookupEnv)
}

// Parse reads a users' file from memory.
func Parse(name string, data []byte, env func(string) (string, bool)) (*File, error) {
	var f File
	doc, err := strictyaml.Decode(data, &f, strictyaml.Options{Name: name, Env: env})
	if err != nil {
		return nil, err
	}
	var faults strictyaml.Errors
	fault := func(path, reason string) { faults = append(faults, doc.Fault(path, reason)) }
	if len(f.Auth) == 0 {
		fault("auth", "has no users")
	}
	if f.AuthTemplate != nil && f.AuthTemplate.Name != "" {
		fault("authTemplate.name", "a template has no name")
	}
	seen := map[string]bool{}
	for i := range f.Auth {
		u := &f.Auth[i]
		at := fmt.Sprintf("auth[%d]", i)
		switch {
		case u.Name == "":
			fault(at+".name", "every user has a name")
		case seen[u.Name]:
			fault(at+".name", "is the name of two users")
		}
		seen[u.Name] = true
		if f.AuthTemplate != nil {
			inherit(reflect.ValueOf(u).Elem(), reflect.ValueOf(f.AuthTemplate).Elem())
		}
		u.check(at, fault)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return &f, nil
}

// inherit fills what is empty in v from a template, member by member.
func inherit(v, template reflect.Value) {
	for i := range v.NumField() {
		f, t := v.Field(i), template.Field(i)
		switch {
		case t.IsZero():
		case f.IsZero() && f.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
			// A copy, so that two users never share one.
			f.Set(reflect.New(t.Type().Elem()))
			f.Elem().Set(t.Elem())
		case f.IsZero():
			f.Set(t)
		case f.Kind() == reflect.Pointer && f.Elem().Kind() == reflect.Struct:
			inherit(f.Elem(), t.Elem())
		}
	}
}

// check reports what cannot work.
func (u *User) check(at string, fault func(path, reason string)) {
	if len(u.FixedHeaders) == 0 && u.LoginEndpointAuth == nil && u.Bearer == "" && u.Basic == nil &&
		len(u.APIKeys) == 0 && u.OAuth2 == nil {
		fault(at, "says of no credentials: fixedHeaders, loginEndpointAuth, bearer, basic, apiKeys or oauth2")
	}
	for i, h := range u.FixedHeaders {
		if h.Name == "" {
			fault(fmt.Sprintf("%s.fixedHeaders[%d].name", at, i), "must not be empty")
		}
	}
	if u.LoginEndpointAuth != nil {
		u.LoginEndpointAuth.check(at+".loginEndpointAuth", fault)
	}
	if u.Register != nil {
		u.Register.check(at+".register", fault)
	}
	if u.OAuth2 != nil && u.OAuth2.TokenURL == "" {
		fault(at+".oauth2.tokenUrl", "is needed")
	}
	if u.OAuth2 != nil && u.OAuth2.ClientID == "" && u.OAuth2.RefreshToken == "" {
		fault(at+".oauth2.clientId", "is needed")
	}
}

func (l *Login) check(at string, fault func(path, reason string)) {
	switch {
	case l.Endpoint == "" && l.ExternalEndpointURL == "":
		fault(at+".endpoint", "is needed, or externalEndpointURL")
	case l.Endpoint != "" && l.ExternalEndpointURL != "":
		fault(at+".externalEndpointURL", "cannot stand beside endpoint")
	case l.Endpoint != "" && l.Endpoint[0] != '/':
		fault(at+".endpoint", "must start with /; another server's is externalEndpointURL")
	}
	if l.PayloadRaw != "" && l.PayloadUserPwd != nil {
		fault(at+".payloadRaw", "cannot stand beside payloadUserPwd")
	}
	if p := l.PayloadUserPwd; p != nil && (p.UsernameField == "" || p.PasswordField == "") {
		fault(at+".payloadUserPwd", "needs usernameField and passwordField")
	}
	if t := l.Token; t != nil && t.ExtractSelector == "" && t.ExtractFromField == "" {
		fault(at+".token.extractSelector", "is needed")
	}
}
