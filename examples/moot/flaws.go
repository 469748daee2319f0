// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
)

// Flaw is a vulnerability that can be planted. FLAWS.md shows a request for each.
type Flaw struct {
	Name  string // of the switch
	Class string // of the OWASP API Security Top 10, 2023
	Does  string // what goes wrong
}

const (
	authQueryUser               = "auth-query-user"
	bolaReadMessage             = "bola-read-message"
	bolaDeleteAttachment        = "bola-delete-attachment"
	idorEditMessage             = "idor-edit-message"
	massAssignmentMemberRole    = "mass-assignment-member-role"
	massAssignmentSpaceOwner    = "mass-assignment-space-owner"
	excessiveDataMemberEmail    = "excessive-data-member-email"
	noPageLimit                 = "no-page-limit"
	bflaResolveReport           = "bfla-resolve-report"
	reportStuffing              = "report-stuffing"
	verboseErrors               = "verbose-errors"
	serverHeaderLeak            = "server-header-leak"
	filterInjection             = "filter-injection"
	pathTraversalAttachmentName = "path-traversal-attachment-name"
	reflectHTML                 = "reflect-html"
	unhandledVerb               = "unhandled-verb"
	websocketNoOrigin           = "websocket-no-origin"
	shadowUsers                 = "shadow-users"
)

// Flaws lists every flaw, in the order of FLAWS.md.
var Flaws = []Flaw{
	{bolaReadMessage, "API1:2023", "getMessage shows messages of private spaces to outsiders"},
	{bolaDeleteAttachment, "API1:2023", "deleteAttachment lets anybody delete any attachment"},
	{idorEditMessage, "API1:2023", "editMessage changes any message of any space, for anybody"},
	{authQueryUser, "API2:2023", "the query parameter user says who the caller is"},
	{massAssignmentMemberRole, "API3:2023", "setMember lets members give themselves a role"},
	{massAssignmentSpaceOwner, "API3:2023", "updateSpace takes an undocumented owner from moderators"},
	{excessiveDataMemberEmail, "API3:2023", "listMembers shows mail addresses and phone numbers"},
	{noPageLimit, "API4:2023", "listMessages takes any limit"},
	{bflaResolveReport, "API5:2023", "resolveReport is open to every member"},
	{reportStuffing, "API6:2023", "one user's repeated reports count, and hide a message"},
	{verboseErrors, "API8:2023", "faults of the request show a stack trace"},
	{serverHeaderLeak, "API8:2023", "answers name the software and its build"},
	{filterInjection, "API8:2023", "the search text becomes part of a query language"},
	{pathTraversalAttachmentName, "API8:2023", "an attachment's name may climb into another space"},
	{reflectHTML, "API8:2023", "the search page shows the search text unescaped"},
	{unhandledVerb, "API8:2023", "an unknown method deletes a message, unchecked"},
	{websocketNoOrigin, "API8:2023", "pages of any origin may open the WebSocket"},
	{shadowUsers, "API9:2023", "an undocumented operation lists all users"},
}

func flawSet(names []string) (map[string]bool, error) {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		known := name == "all"
		for _, f := range Flaws {
			if name == f.Name || name == "all" {
				set[f.Name], known = true, true
			}
		}
		if !known {
			return nil, fmt.Errorf("moot: there is no flaw named %q", name)
		}
	}
	return set, nil
}

// purgeMessage is what the flaw unhandled-verb reaches.
func (a *API) purgeMessage(w http.ResponseWriter, r *http.Request, _ caller) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.rooms[r.PathValue("space")]
	if !ok {
		return notFound
	}
	m, err := s.seen(r.PathValue("message"), Owner)
	if err != nil {
		return err
	}
	a.erase(s, m)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// dumpUsers is what the flaw shadow-users reaches.
func (a *API) dumpUsers(w http.ResponseWriter, _ *http.Request, _ caller) error {
	list := items[User]{}
	a.mu.RLock()
	for _, u := range a.users {
		list.Items = append(list.Items, u)
	}
	a.mu.RUnlock()
	slices.SortFunc(list.Items, func(x, y User) int { return cmp.Compare(x.ID, y.ID) })
	return answer(w, http.StatusOK, list)
}
