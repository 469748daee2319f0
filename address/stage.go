// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package address

import (
	"context"
	"errors"

	"durward"
)

// Why a request was refused, for the audit record.
var (
	errDenied     = errors.New("address: on a deny list")
	errNotAllowed = errors.New("address: on no allow list")
)

type stage struct{ list *List }

// Stage is the stage that judges x.Client.Address. It is nil when there is
// nothing to judge: no list at all, or mode off. The stage follows the files
// of the list.
func (l *List) Stage() durward.Stage {
	if l.Empty() {
		return nil
	}
	return stage{l}
}

func (stage) Name() string { return "address" }

// Request refuses an address that the lists do not let call.
func (s stage) Request(_ context.Context, x *durward.Exchange) durward.Decision {
	if err := s.list.judge(x.Client.Address); err != nil {
		return durward.Refuse(durward.CodeForbidden, err)
	}
	return durward.Proceed()
}
