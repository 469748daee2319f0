// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"durward/probe/client"
)

// source gets credentials anew.
type source interface {
	fetch(ctx context.Context, d *Desk, i *Identity) ([]Credential, error)
}

// Desk is where users get their credentials: the tested server, and those that
// the users' file names itself.
type Desk struct {
	// Client speaks to the tested server, Base is the path that operations are
	// below ("/api" or empty).
	Client *client.Client
	Base   string
	// Other makes a client for another origin that the users' file names; nil
	// forbids it.
	Other func(origin string) (*client.Client, error)
}

// Answers of logins that say why there are no credentials.
var errNoAnswer = errors.New("gave no token and no cookie")

// post sends r to an endpoint of the tested server, or to a full URL.
func (d *Desk) post(ctx context.Context, endpoint, external string, r *client.Request) (*client.Answer, error) {
	if external != "" {
		u, err := url.Parse(external)
		if err != nil || u.Host == "" {
			return nil, errors.New("the external URL is not one")
		}
		r.Target = u.RequestURI()
		if origin := u.Scheme + "://" + u.Host; origin != d.Client.Origin() {
			if d.Other == nil {
				return nil, fmt.Errorf("logins at %s are not allowed", u.Host)
			}
			c, err := d.Other(origin)
			if err != nil {
				return nil, err
			}
			return c.Do(ctx, r)
		}
		return d.Client.Do(ctx, r)
	}
	r.Target = d.Base + endpoint
	if d.Base != "" && strings.HasPrefix(endpoint, d.Base+"/") {
		r.Target = endpoint
	}
	a, err := d.Client.Do(ctx, r)
	if err == nil && (a.Status == http.StatusNotFound || a.Status == http.StatusMethodNotAllowed) && r.Target != endpoint {
		r.Target = endpoint
		return d.Client.Do(ctx, r)
	}
	return a, err
}

// login is a recipe of the users' file, with a registration before the first.
type login struct {
	register, login *Login
	fixed           []Credential // sent besides what the login gives
	registered      bool         // guarded by the identity's renewal
}

func (l *login) fetch(ctx context.Context, d *Desk, i *Identity) ([]Credential, error) {
	if l.register != nil && !l.registered {
		// Whether it worked shows at the login.
		if _, err := l.register.send(ctx, d); err != nil {
			return nil, fmt.Errorf("registration: %w", err)
		}
		l.registered = true
	}
	a, err := l.login.send(ctx, d)
	if err != nil {
		return nil, err
	}
	if !a.OK() && (a.Status < 300 || a.Status > 399) {
		return nil, fmt.Errorf("the login was answered %d", a.Status)
	}
	creds, err := l.login.extract(a)
	if err != nil {
		return nil, err
	}
	i.learn(a, creds)
	return append(append([]Credential(nil), l.fixed...), creds...), nil
}

// send makes the login's request.
func (l *Login) send(ctx context.Context, d *Desk) (*client.Answer, error) {
	r := &client.Request{Method: l.Verb}
	if r.Method == "" {
		r.Method = "POST"
	}
	body, kind := l.payload()
	if body != "" {
		r.Body = []byte(body)
		r.Set("Content-Type", kind)
	}
	for _, h := range l.Headers {
		r.Set(h.Name, h.Value)
	}
	return d.post(ctx, l.Endpoint, l.ExternalEndpointURL, r)
}

func (l *Login) payload() (body, kind string) {
	kind = l.ContentType
	p := l.PayloadUserPwd
	if p == nil {
		if kind == "" {
			kind = "application/json"
			if l.PayloadRaw != "" && !json.Valid([]byte(l.PayloadRaw)) {
				kind = "application/x-www-form-urlencoded"
			}
		}
		return l.PayloadRaw, kind
	}
	if strings.Contains(kind, "form-urlencoded") {
		return url.QueryEscape(p.UsernameField) + "=" + url.QueryEscape(p.Username) + "&" +
			url.QueryEscape(p.PasswordField) + "=" + url.QueryEscape(p.Password), kind
	}
	if kind == "" {
		kind = "application/json"
	}
	b, _ := json.Marshal(map[string]string{p.UsernameField: p.Username, p.PasswordField: p.Password})
	return string(b), kind
}

// extract takes the credentials out of an answer.
func (l *Login) extract(a *client.Answer) ([]Credential, error) {
	t := l.Token
	if t == nil {
		if l.ExpectCookies != nil && *l.ExpectCookies {
			if c := cookies(a); len(c) > 0 {
				return c, nil
			}
			return nil, errors.New("the login set no cookie")
		}
		if c := Detect(a); len(c) > 0 {
			return c, nil
		}
		return nil, errNoAnswer
	}
	var token, where string
	if t.ExtractFrom == "header" {
		where, token = t.ExtractSelector, a.Header.Get(t.ExtractSelector)
	} else {
		where = t.ExtractSelector
		if where == "" {
			where = t.ExtractFromField
		}
		var v any
		if json.Unmarshal(a.Body, &v) == nil {
			token = scalar(pointer(v, where))
		}
	}
	if token == "" {
		return nil, fmt.Errorf("the login's answer (%d) has no token at %s", a.Status, where)
	}
	creds := []Credential{t.credential(token)}
	if l.ExpectCookies != nil && *l.ExpectCookies {
		creds = append(creds, cookies(a)...)
	}
	return creds, nil
}

// credential says how a token is sent.
func (t *TokenRecipe) credential(token string) Credential {
	c := Credential{In: t.SendIn, Name: t.SendName, Secret: token}
	if c.In == "" {
		c.In = "header"
	}
	if c.Name == "" {
		c.Name = t.HTTPHeaderName
	}
	if c.Name == "" {
		c.Name = "Authorization"
	}
	template := t.SendTemplate
	if template == "" && t.HeaderPrefix != "" {
		template = t.HeaderPrefix + "{token}"
	}
	if template == "" && c.In == "header" && strings.EqualFold(c.Name, "Authorization") && !strings.Contains(token, " ") && t.HTTPHeaderName == "" {
		template = "Bearer {token}"
	}
	before, after, found := strings.Cut(template, "{token}")
	if found {
		c.Prefix, c.Secret = before, token+after
	}
	// A token that brings its own scheme keeps it apart from the secret.
	if scheme, rest, ok := strings.Cut(c.Secret, " "); ok && c.Prefix == "" && strings.EqualFold(scheme, "Bearer") {
		c.Prefix, c.Secret = scheme+" ", rest
	}
	return c
}

// cookies are those that an answer sets, and does not take away.
func cookies(a *client.Answer) []Credential {
	var out []Credential
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		if c.Value != "" && c.MaxAge >= 0 {
			out = append(out, Credential{In: "cookie", Name: c.Name, Secret: c.Value})
		}
	}
	return out
}
