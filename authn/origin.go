// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"errors"
	"slices"
	"strings"

	"durward"
)

// anyConsumer, in the list of consumers of an issuer, stands for all.
const anyConsumer = "*"

var errSpeaksFor = errors.New("the token names a consumer of the store, and its issuer is not said to speak for it (consumers, no_consumers)")

// origin says which consumers of the store the tokens of one issuer may name.
// An application has its name from who issues its tokens, so the same name of
// two issuers is two applications: neither the limits, the plan nor the name
// that the upstream is told must be those of the other one.
type origin struct {
	all  bool
	ids  []string
	none bool // the configuration says so
}

// originOf reads the configuration of an issuer. One that says nothing speaks
// for all where there is no other that could be meant.
func originOf(ids []string, none, sole bool) origin {
	o := origin{ids: ids, none: none}
	o.all = slices.Contains(ids, anyConsumer) || sole && len(ids) == 0 && !none
	return o
}

// resolve makes p.Consumer unmistakable: the name of a consumer that the issuer
// speaks for stays, any other has the issuer's put before it. Where the configuration does
// not say which it is, the name of a consumer that exists is refused: its rules
// must neither be passed over nor be used up by somebody else.
func (o *origin) resolve(p *durward.Principal, consumers Consumers) error {
	if p.Consumer == "" {
		return nil
	}
	if plain := strings.IndexByte(p.Consumer, ':') < 0; plain && (o.all || slices.Contains(o.ids, p.Consumer)) {
		return nil
	}
	if !o.all && !o.none && len(o.ids) == 0 && consumers != nil {
		switch _, err := consumers.LookUp(p.Consumer); {
		case err == nil:
			return errSpeaksFor
		case !errors.Is(err, durward.ErrNotFound):
			return &durward.Unavailable{Code: durward.CodeStoreUnavailable, Err: err}
		}
	}
	p.Consumer = p.Issuer + ":" + p.Consumer // no id of the store has a colon
	return nil
}

// Origins counts those that name the consumers of their tokens: the issuers,
// and the servers that the APIs ask about opaque tokens.
func Origins(issuers int, apis ...Config) int {
	var servers []string
	for _, c := range apis {
		for _, m := range c.Flat() {
			if m.Introspection != nil && !slices.Contains(servers, m.Introspection.name()) {
				servers = append(servers, m.Introspection.name())
			}
		}
	}
	return issuers + len(servers)
}

// checkConsumers checks the two fields that say which consumers an issuer
// speaks for.
func checkConsumers(ids []string, none bool) error {
	switch {
	case none && len(ids) > 0:
		return durward.Invalid("no_consumers", "cannot stand beside consumers")
	case len(ids) > 1 && slices.Contains(ids, anyConsumer):
		return durward.Invalid("consumers", `has "*", which is all, and must have nothing beside it`)
	case slices.ContainsFunc(ids, func(id string) bool { return id == "" || strings.Contains(id, ":") }):
		return durward.Invalid("consumers", `must list ids of consumers, or "*"`)
	}
	return nil
}
