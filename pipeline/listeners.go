// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"strconv"

	"durward"
	"durward/address"
)

// atListener holds the address lists of the listeners that have one, by their
// configured addresses.
type atListener map[string]durward.Stage

func (atListener) Name() string { return "address" }

func (l atListener) Request(ctx context.Context, x *durward.Exchange) durward.Decision {
	if s := l[x.In.Listener]; s != nil {
		return s.Request(ctx, x)
	}
	return durward.Proceed()
}

// listeners makes the stages that judge addresses by the listener, one for
// those lists that are enforced and one for those that report.
func (c *compiler) listeners() error {
	enforced, reported := atListener{}, atListener{}
	for i := range c.cfg.Listen {
		l := &c.cfg.Listen[i]
		list, err := address.New(l.Addresses, c.env.Log)
		if err != nil {
			return durward.InvalidIn("listen["+strconv.Itoa(i)+"].addresses", err)
		}
		c.g.addresses = append(c.g.addresses, list)
		switch s := list.Stage(); {
		case s == nil:
		case list.Mode() == durward.Report:
			reported[l.Address] = s
		default:
			enforced[l.Address] = s
		}
	}
	if len(enforced) > 0 {
		c.atListener = enforced
	}
	if len(reported) > 0 {
		c.reportListener = reported
	}
	return nil
}
