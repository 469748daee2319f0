// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"durward"
	"durward/authn"
)

// store is the smallest thing that can hold keys.
type store struct {
	key      durward.Key
	consumer durward.Consumer
}

func (s *store) Key(_ context.Context, id string) (durward.Key, durward.Consumer, error) {
	if id != s.key.ID {
		return durward.Key{}, durward.Consumer{}, durward.ErrNotFound
	}
	return s.key, s.consumer, nil
}

func (s *store) Touch(string, time.Time) {}
func (s *store) Pepper() []byte          { return []byte("a secret of at least 32 bytes....") }

func Example() {
	s := &store{consumer: durward.Consumer{ID: "acme", Roles: []string{"member"}}}
	text, id, hash, err := authn.MintKey(s.Pepper(), "live")
	if err != nil {
		fmt.Println(err)
		return
	}
	s.key = durward.Key{ID: id, Environment: "live", Consumer: "acme", Hash: hash}

	methods, err := authn.New(authn.Config{{APIKey: &authn.APIKey{}}}, authn.Env{Keys: s})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer methods.Close()
	stage, err := methods.Stage(authn.Demand{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ask := func(fields ...durward.Field) {
		x := &durward.Exchange{Operation: &durward.Operation{API: "moot"}}
		x.In.Header = fields
		d := stage.Request(context.Background(), x)
		if d.Verdict == durward.Allow {
			fmt.Println("allowed:", x.Principal.Subject)
			return
		}
		fmt.Println("refused:", d.Code, x.Extra.Get("Www-Authenticate"))
	}
	ask(durward.Field{Name: "X-Api-Key", Value: text})
	ask(durward.Field{Name: "X-Api-Key", Value: strings.ToUpper(text)})
	ask()
	// Output:
	// allowed: acme
	// refused: unauthenticated ApiKey realm="moot"
	// refused: unauthenticated ApiKey realm="moot"
}
