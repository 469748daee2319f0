// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"fmt"
	"time"

	"durward/audit/seal"
)

// messageErased is the system record of a key that was destroyed. Its detail
// names the key by the tag that records have, never the person.
const messageErased = "audit key erased"

// openSealer opens the keys of an open log; nil when nothing is sealed.
func (l *Log) openSealer() error {
	if !l.cfg.Seal.On() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	var err error
	l.sealer, err = seal.Open(ctx, l.cfg.Seal, seal.Options{Now: l.now, Log: l.log, Erased: func(kind, tag string) error {
		return l.System(messageErased, kind+" "+tag)
	}})
	if err != nil {
		return fmt.Errorf("audit.seal: %w", err)
	}
	return nil
}

func (l *Log) closeSealer() error {
	if l.sealer == nil {
		return nil
	}
	return l.sealer.Close()
}

// Sealing tells what the sealing of records did; ok is false when it is off.
func (l *Log) Sealing() (s seal.Stats, ok bool) {
	if l == nil || l.sealer == nil {
		return s, false
	}
	return l.sealer.Stats(), true
}

// WithKeys gives the sealing as a log in this configuration has it, for who opens
// its keys file.
func (c Config) WithKeys() seal.Config { return c.withDefaults().Seal }
