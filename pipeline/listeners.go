// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"strconv"

	"durward"
	"durward/address"
)

// atListener holds the address lists of listeners, by their configured
// addresses; nil for one without. A connection can be older than the
// configuration: its listener has another address since, or is gone. Which
// list would be its own is not known then, so it has to pass all of them.
type atListener struct {
	lists map[string]durward.Stage
	all   []durward.Stage // in the order of the configuration
}

func (*atListener) Name() string { return "address" }

func (l *atListener) Request(ctx context.Context, x *durward.Exchange) durward.Decision {
	s, known := l.lists[x.In.Listener]
	switch {
	case s != nil:
		return s.Request(ctx, x)
	case known, x.In.Listener == "": // a request that came by no listener: a trial
		return durward.Proceed()
	}
	for _, s := range l.all {
		if d := s.Request(ctx, x); d.Verdict != durward.Allow {
			return d
		}
	}
	return durward.Proceed()
}

// listeners makes the stages that judge addresses by the listener, one for
// those lists that are enforced and one for those that report.
func (c *compiler) listeners() error {
	enforced, reported := &atListener{lists: map[string]durward.Stage{}}, &atListener{lists: map[string]durward.Stage{}}
	for i := range c.cfg.Listen {
		l := &c.cfg.Listen[i]
		list, err := address.New(l.Addresses, c.env.Log)
		if err != nil {
			return durward.InvalidIn("listen["+strconv.Itoa(i)+"].addresses", err)
		}
		c.g.addresses = append(c.g.addresses, list)
		enforced.lists[l.Address], reported.lists[l.Address] = nil, nil
		s := list.Stage()
		if s == nil {
			continue
		}
		to := enforced
		if list.Mode() == durward.Report {
			to = reported
		}
		to.lists[l.Address] = s
		to.all = append(to.all, s)
	}
	if len(enforced.all) > 0 {
		c.atListener = enforced
	}
	if len(reported.all) > 0 {
		c.reportListener = reported
	}
	return nil
}
