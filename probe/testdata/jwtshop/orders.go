// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package jwtshop

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
)

// loose takes a JSON body apart and overlooks members that nobody knows.
func loose(r *http.Request, v any) error {
	if json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(v) != nil {
		return errInvalid
	}
	return nil
}

// order finds an order that u may use; the flaw lets it be anybody's.
func (s *shop) order(id int, u *user, flaw string) (*order, error) {
	i := slices.IndexFunc(s.orders, func(o *order) bool { return o.ID == id })
	if i < 0 || s.orders[i].owner != u.ID && !s.flaws[flaw] {
		return nil, errNotFound
	}
	return s.orders[i], nil
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}

func (s *shop) listOrders(w http.ResponseWriter, r *http.Request, u *user) error {
	owner := u.ID
	if id := r.URL.Query().Get("user_id"); id != "" {
		if id != u.ID && !s.flaws["order-list"] {
			return fault{http.StatusForbidden, "not your orders"}
		}
		owner = id
	}
	list := []*order{}
	for _, o := range s.orders {
		if o.owner == owner {
			list = append(list, o)
		}
	}
	ok(w, http.StatusOK, list)
	return nil
}

type itemIn struct {
	ProductID int    `json:"product_id"`
	Quantity  int    `json:"quantity"`
	Engraving string `json:"engraving"`
}

func (s *shop) item(in itemIn) (*item, float64, error) {
	i := slices.IndexFunc(s.products, func(p *product) bool { return p.ID == in.ProductID })
	if i < 0 || in.Quantity < 1 || in.Quantity > 100 || long(in.Engraving, 100) {
		return nil, 0, errInvalid
	}
	return &item{s.next(), in.ProductID, in.Quantity, in.Engraving}, s.products[i].Price * float64(in.Quantity), nil
}

func (s *shop) createOrder(w http.ResponseWriter, r *http.Request, u *user) error {
	var in struct {
		Note   string   `json:"note"`
		Items  []itemIn `json:"items"`
		Status string   `json:"status"`
	}
	if s.flaws["mass-order-status"] {
		if err := loose(r, &in); err != nil {
			return err
		}
	} else if err := read(r, &in); err != nil {
		return err
	}
	if in.Status != "" && !s.flaws["mass-order-status"] || long(in.Note, 200) || len(in.Items) == 0 || len(in.Items) > 20 || len(s.orders) > 20000 {
		return errInvalid
	}
	o := &order{ID: s.next(), Note: in.Note, Status: "new", Items: []*item{}, owner: u.ID}
	if in.Status != "" {
		o.Status = in.Status
	}
	for _, x := range in.Items {
		it, price, err := s.item(x)
		if err != nil {
			return err
		}
		o.Items, o.Total = append(o.Items, it), o.Total+price
	}
	s.orders = append(s.orders, o)
	ok(w, http.StatusCreated, o)
	return nil
}

func (s *shop) getOrder(w http.ResponseWriter, r *http.Request, u *user) error {
	o, err := s.order(number(r.PathValue("order")), u, "order-read")
	if err != nil {
		return err
	}
	ok(w, http.StatusOK, o)
	return nil
}

func (s *shop) updateOrder(w http.ResponseWriter, r *http.Request, u *user) error {
	o, err := s.order(number(r.PathValue("order")), u, "order-update")
	if err != nil {
		return err
	}
	var in struct {
		Note *string `json:"note"`
	}
	if err := read(r, &in); err != nil {
		return err
	}
	if in.Note == nil || long(*in.Note, 200) {
		return errInvalid
	}
	o.Note = *in.Note
	ok(w, http.StatusOK, o)
	return nil
}

func (s *shop) deleteOrder(w http.ResponseWriter, r *http.Request, u *user) error {
	o, err := s.order(number(r.PathValue("order")), u, "order-delete")
	if err != nil {
		return err
	}
	s.orders = slices.DeleteFunc(s.orders, func(x *order) bool { return x == o })
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *shop) addItem(w http.ResponseWriter, r *http.Request, u *user) error {
	o, err := s.order(number(r.PathValue("order")), u, "")
	if err != nil {
		return err
	}
	var in itemIn
	if err := read(r, &in); err != nil {
		return err
	}
	it, price, err := s.item(in)
	if err != nil || len(o.Items) >= 20 {
		return errInvalid
	}
	o.Items, o.Total = append(o.Items, it), o.Total+price
	ok(w, http.StatusCreated, it)
	return nil
}

// getItem with its flaw looks at the order's owner and then finds the item
// anywhere.
func (s *shop) getItem(w http.ResponseWriter, r *http.Request, u *user) error {
	o, err := s.order(number(r.PathValue("order")), u, "")
	if err != nil {
		return err
	}
	all := []*order{o}
	if s.flaws["order-item"] {
		all = s.orders
	}
	for _, o := range all {
		for _, it := range o.Items {
			if it.ID == number(r.PathValue("item")) {
				ok(w, http.StatusOK, it)
				return nil
			}
		}
	}
	return errNotFound
}

func (s *shop) lookupOrder(w http.ResponseWriter, r *http.Request, u *user) error {
	var in struct {
		OrderID int `json:"order_id"`
	}
	if err := read(r, &in); err != nil {
		return err
	}
	o, err := s.order(in.OrderID, u, "order-lookup")
	if err != nil {
		return err
	}
	ok(w, http.StatusOK, o)
	return nil
}

func (s *shop) receipt(w http.ResponseWriter, r *http.Request, u *user) error {
	o, err := s.order(number(r.URL.Query().Get("order_id")), u, "order-receipt")
	if err != nil {
		return err
	}
	ok(w, http.StatusOK, map[string]any{"order_id": o.ID, "total": o.Total, "memo": o.Note})
	return nil
}

func (s *shop) sales(w http.ResponseWriter, _ *http.Request, _ *user) error {
	sum := 0.0
	for _, o := range s.orders {
		sum += o.Total
	}
	ok(w, http.StatusOK, map[string]any{"orders": len(s.orders), "revenue": sum})
	return nil
}
