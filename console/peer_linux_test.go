// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"durward"
)

// asked keeps who asked for a reload.
type asked struct {
	fake
	by durward.Actor
}

func (a *asked) Reload(ctx context.Context) error {
	a.by, _ = durward.ActorOf(ctx)
	return nil
}

func TestTheGatewayKnowsWhoAsksForAReload(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	g := &asked{}
	c, err := Start(Config{Socket: socket}, g, http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Shutdown(context.Background())
	if _, err := NewClient(socket).Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if g.by.UID != os.Getuid() || g.by.PID != os.Getpid() || g.by.User == "" || g.by.Command != "reload" {
		t.Errorf("the kernel says that %+v asked", g.by)
	}
}
