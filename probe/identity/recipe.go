// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"durward/probe/client"
)

// SetPassword notes the user's password.
func (i *Identity) SetPassword(p string) { i.password = p }

// Fixed gives the user credentials that are not renewed. a is the answer that
// they came in; nil for none.
func (i *Identity) Fixed(a *client.Answer, creds []Credential) {
	i.learn(a, creds)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.creds = creds
}

// Recipe makes a login that was found out the user's own: r is what is sent, a
// what was answered, style how the credentials are sent.
func (i *Identity) Recipe(r *client.Request, a *client.Answer, style func([]Credential) []Credential) {
	creds := style(Detect(a))
	i.Fixed(a, creds)
	i.source = &replay{r: r.Clone(), style: style}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.turn++
	i.since = time.Now()
}

// replay is a login that is sent again as it was.
type replay struct {
	r     *client.Request
	style func([]Credential) []Credential
}

func (p *replay) fetch(ctx context.Context, d *Desk, _ *Identity) ([]Credential, error) {
	a, err := d.Client.Do(ctx, p.r.Clone())
	if err != nil {
		return nil, err
	}
	if !a.OK() {
		return nil, fmt.Errorf("the login was answered %d", a.Status)
	}
	creds := Detect(a)
	if len(creds) == 0 {
		return nil, errors.New("the login gave no token and no cookie")
	}
	return p.style(creds), nil
}
