// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"durward/probe/client"
	"durward/probe/spec"
)

// Identities makes the users of a file. Nothing is sent yet; see Login.
func (f *File) Identities(api *spec.API) ([]*Identity, error) {
	var out []*Identity
	for n := range f.Auth {
		i, err := f.Auth[n].identity(api)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", f.Auth[n].Name, err)
		}
		out = append(out, i)
	}
	return out, nil
}

func (u *User) identity(api *spec.API) (*Identity, error) {
	i := &Identity{Name: u.Name, Roles: slices.Clone(u.Roles), Scopes: slices.Clone(u.Scopes), Known: map[string]any{}, expires: time.Duration(u.Expires)}
	for k, v := range u.Known {
		i.Known[k] = v
	}
	var fixed []Credential
	for _, h := range u.FixedHeaders {
		c := Credential{In: "header", Name: h.Name, Secret: strings.TrimSpace(h.Value)}
		if scheme, rest, ok := strings.Cut(c.Secret, " "); ok && strings.EqualFold(h.Name, "Authorization") {
			c.Prefix, c.Secret = scheme+" ", strings.TrimSpace(rest)
		}
		if p := plain(h.Name); strings.Contains(p, "user") && c.Prefix == "" {
			i.Known[strings.TrimPrefix(h.Name, "X-")] = c.Secret
			i.Known["username"] = c.Secret
		}
		fixed = append(fixed, c)
	}
	if u.Bearer != "" {
		fixed = append(fixed, Bearer(u.Bearer))
	}
	if b := u.Basic; b != nil {
		i.Known["username"] = b.Username
		fixed = append(fixed, BasicCredential(b.Username, b.Password))
	}
	for _, name := range sorted(u.APIKeys) {
		c, err := byScheme(api, name, u.APIKeys[name])
		if err != nil {
			return nil, err
		}
		fixed = append(fixed, c)
	}
	i.creds = fixed
	i.learn(nil, fixed)
	if l := u.LoginEndpointAuth; l != nil {
		l.known(i)
		i.source = &login{register: u.Register, login: l, fixed: fixed}
	}
	if u.OAuth2 != nil {
		i.source = &oauth{OAuth2: *u.OAuth2, fixed: fixed}
	}
	return i, nil
}

// known notes who logs in.
func (l *Login) known(i *Identity) {
	if p := l.PayloadUserPwd; p != nil {
		i.Known[p.UsernameField], i.password = p.Username, p.Password
		if strings.Contains(p.Username, "@") {
			i.Known["email"] = p.Username
		}
		return
	}
	var m map[string]any
	if json.Unmarshal([]byte(l.PayloadRaw), &m) == nil {
		walk(m, "", 1, func(holder, name string, value any) {
			i.know(holder, name, value)
			if s, ok := value.(string); ok && strings.HasPrefix(plain(name), "pass") {
				i.password = s
			}
		})
	}
}

// Bearer is a token for the field Authorization (RFC 6750).
func Bearer(token string) Credential {
	return Credential{In: "header", Name: "Authorization", Prefix: "Bearer ", Secret: token}
}

// BasicCredential is a name and password (RFC 7617).
func BasicCredential(user, password string) Credential {
	return Credential{In: "header", Name: "Authorization", Prefix: "Basic ",
		Secret: base64.StdEncoding.EncodeToString([]byte(user + ":" + password))}
}

// byScheme is a secret as a scheme of the document says that it is sent.
func byScheme(api *spec.API, name, secret string) (Credential, error) {
	s := api.Schemes[name]
	if s == nil {
		return Credential{}, fmt.Errorf("the document has no security scheme %q", name)
	}
	switch {
	case s.Type == "apiKey":
		return Credential{Scheme: name, In: s.In, Name: s.Param, Secret: secret}, nil
	case s.Type == "http" && s.HTTPScheme == "basic":
		return Credential{Scheme: name, In: "header", Name: "Authorization", Prefix: "Basic ", Secret: secret}, nil
	default:
		c := Bearer(secret)
		c.Scheme = name
		return c, nil
	}
}

// Login gets the first credentials of a user.
func (d *Desk) Login(ctx context.Context, i *Identity) error { return d.Renew(ctx, i, i.Turn()) }

// Renews tells that a user's credentials can be got anew.
func (i *Identity) Renews() bool { return i != nil && i.source != nil }

// Renew gets new credentials, unless somebody did since turn, or it failed
// already. Callers at the same time wait for the one that does it.
func (d *Desk) Renew(ctx context.Context, i *Identity, turn int) error {
	if i.source == nil {
		return nil
	}
	i.renewal.Lock()
	defer i.renewal.Unlock()
	if i.Turn() != turn {
		return nil
	}
	if i.failed != nil {
		return i.failed
	}
	creds, err := i.source.fetch(ctx, d, i)
	if err == nil && turn > 0 && i.waits < maxWaits && slices.Equal(creds, i.Credentials()) {
		// Tokens are often the same within a second: after a logout it would be
		// the one that was revoked.
		i.waits++
		select {
		case <-time.After(sameToken):
		case <-ctx.Done():
			return ctx.Err()
		}
		creds, err = i.source.fetch(ctx, d, i)
	}
	if err != nil {
		err = fmt.Errorf("user %s cannot log in: %w", i.Name, err)
		if ctx.Err() == nil {
			i.failed = err
		}
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.creds, i.since = creds, time.Now()
	i.turn++
	return nil
}

// How long a login waits that gave the very credentials that were refused, and
// how often: a service may give the same ones for good.
const (
	sameToken = 1100 * time.Millisecond
	maxWaits  = 3
)

// Stale tells that the user said how long credentials last, and it is over.
func (i *Identity) Stale() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.expires > 0 && i.source != nil && time.Since(i.since) >= i.expires
}

// oauth gets tokens at a token endpoint.
type oauth struct {
	OAuth2
	fixed []Credential
}

func (o *oauth) fetch(ctx context.Context, d *Desk, i *Identity) ([]Credential, error) {
	form := url.Values{}
	if o.RefreshToken != "" {
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", o.RefreshToken)
	} else {
		form.Set("grant_type", "client_credentials")
	}
	if len(o.Scopes) > 0 {
		form.Set("scope", strings.Join(o.Scopes, " "))
	}
	if o.Audience != "" {
		form.Set("audience", o.Audience)
	}
	r := &client.Request{Method: "POST"}
	switch {
	case o.InBody || o.ClientSecret == "":
		if o.ClientID != "" {
			form.Set("client_id", o.ClientID)
		}
		if o.ClientSecret != "" {
			form.Set("client_secret", o.ClientSecret)
		}
	default: // RFC 6749, section 2.3.1: both are form-encoded first
		b := BasicCredential(url.QueryEscape(o.ClientID), url.QueryEscape(o.ClientSecret))
		r.Set("Authorization", b.Prefix+b.Secret)
	}
	r.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Set("Accept", "application/json")
	r.Body = []byte(form.Encode())
	endpoint, external := o.TokenURL, ""
	if !strings.HasPrefix(endpoint, "/") {
		endpoint, external = "", o.TokenURL
	}
	a, err := d.post(ctx, endpoint, external, r)
	if err != nil {
		return nil, err
	}
	var t struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Scope   string `json:"scope"`
	}
	if a.Status != http.StatusOK {
		return nil, fmt.Errorf("the token endpoint answered %d", a.Status)
	}
	if err := json.Unmarshal(a.Body, &t); err != nil || t.Access == "" {
		return nil, errors.New("the token endpoint gave no access_token")
	}
	if t.Refresh != "" {
		o.RefreshToken = t.Refresh // RFC 6749, section 6: the old one may be void
	}
	creds := []Credential{Bearer(t.Access)}
	i.mu.Lock()
	if t.Scope != "" {
		i.Scopes = strings.Fields(t.Scope)
	} else if len(i.Scopes) == 0 {
		i.Scopes = slices.Clone(o.Scopes)
	}
	i.mu.Unlock()
	i.learn(nil, creds)
	return append(slices.Clone(o.fixed), creds...), nil
}

func sorted(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
