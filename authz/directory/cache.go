// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package directory

import (
	"context"
	"errors"
	"sync"
	"time"

	"durward"
)

// cache keeps answers and joins look-ups of one object into one. Its lock is
// held for a map access only.
type cache struct {
	now          func() time.Time
	ttl, nothing time.Duration
	most         int
	room         chan struct{} // one element for each look-up under way

	mu     sync.Mutex
	kept   map[Ref]answer
	flight map[Ref]*call
}

type answer struct {
	object *Object // nil: there is none
	until  time.Time
}

// call is a look-up under way; done is closed when object and err are set.
type call struct {
	done   chan struct{}
	object *Object
	err    error
}

var errBusy = &durward.Unavailable{Code: durward.CodeStoreUnavailable, Err: errors.New("too many look-ups are under way")}

// find gives a kept answer; false when there is none of now.
func (c *cache) find(at Ref) (o *Object, known bool, err error) {
	c.mu.Lock()
	a, ok := c.kept[at]
	c.mu.Unlock()
	switch {
	case !ok || !c.now().Before(a.until):
		return nil, false, nil
	case a.object == nil:
		return nil, true, durward.ErrNotFound
	}
	return a.object, true, nil
}

// get answers by ask, which runs once for all who want the same object. ask
// gets no caller's context, since others wait for it too.
func (c *cache) get(ctx context.Context, at Ref, ask func() (*Object, error)) (*Object, error) {
	c.mu.Lock()
	one, running := c.flight[at]
	if !running {
		select {
		case c.room <- struct{}{}:
		default:
			c.mu.Unlock()
			return nil, errBusy
		}
		one = &call{done: make(chan struct{})}
		c.flight[at] = one
		go c.run(at, one, ask)
	}
	c.mu.Unlock()
	select {
	case <-one.done:
		return one.object, one.err
	case <-ctx.Done():
		return nil, &durward.Unavailable{Code: durward.CodeStoreUnavailable, Err: ctx.Err()}
	}
}

func (c *cache) run(at Ref, one *call, ask func() (*Object, error)) {
	// What an interrupted ask leaves behind is an error.
	one.err = &durward.Unavailable{Code: durward.CodeStoreUnavailable, Err: errors.New("the look-up ended without an answer")}
	defer func() {
		c.mu.Lock()
		delete(c.flight, at)
		switch {
		case one.err == nil:
			c.keep(at, answer{one.object, c.now().Add(c.ttl)})
		case errors.Is(one.err, durward.ErrNotFound):
			c.keep(at, answer{nil, c.now().Add(c.nothing)})
		}
		c.mu.Unlock()
		<-c.room
		close(one.done)
	}()
	one.object, one.err = ask()
}

// keep stores an answer. When the cache is full it drops outdated ones among a
// few, and else whichever comes first.
func (c *cache) keep(at Ref, a answer) {
	if _, ok := c.kept[at]; !ok && len(c.kept) >= c.most {
		var victim Ref
		looked := 0
		for ref, old := range c.kept {
			victim = ref
			if looked++; looked == 8 || !c.now().Before(old.until) {
				break
			}
		}
		delete(c.kept, victim)
	}
	c.kept[at] = a
}
