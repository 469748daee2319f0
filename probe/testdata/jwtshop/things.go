// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package jwtshop

import (
	"net/http"
	"slices"
)

func (s *shop) listProducts(w http.ResponseWriter, _ *http.Request, _ *user) error {
	ok(w, http.StatusOK, s.products)
	return nil
}

func (s *shop) product(r *http.Request) (*product, error) {
	id := number(r.PathValue("product"))
	i := slices.IndexFunc(s.products, func(p *product) bool { return p.ID == id })
	if i < 0 {
		return nil, errNotFound
	}
	return s.products[i], nil
}

func (s *shop) getProduct(w http.ResponseWriter, r *http.Request, _ *user) error {
	p, err := s.product(r)
	if err != nil {
		return err
	}
	ok(w, http.StatusOK, p)
	return nil
}

func (s *shop) createProduct(w http.ResponseWriter, r *http.Request, _ *user) error {
	var in struct {
		Name  string  `json:"name"`
		Price float64 `json:"price"`
	}
	if err := read(r, &in); err != nil {
		return err
	}
	if in.Name == "" || long(in.Name, 60) || in.Price < 0 || in.Price > 1e6 || len(s.products) > 5000 {
		return errInvalid
	}
	p := &product{s.next(), in.Name, in.Price}
	s.products = append(s.products, p)
	ok(w, http.StatusCreated, p)
	return nil
}

func (s *shop) setPrice(w http.ResponseWriter, r *http.Request, _ *user) error {
	p, err := s.product(r)
	if err != nil {
		return err
	}
	var in struct {
		Price float64 `json:"price"`
	}
	if err := read(r, &in); err != nil {
		return err
	}
	if in.Price < 0 || in.Price > 1e6 {
		return errInvalid
	}
	p.Price = in.Price
	ok(w, http.StatusOK, p)
	return nil
}

func (s *shop) deleteProduct(w http.ResponseWriter, r *http.Request, _ *user) error {
	p, err := s.product(r)
	if err != nil {
		return err
	}
	s.products = slices.DeleteFunc(s.products, func(x *product) bool { return x == p })
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// listReviews are for all the world.
func (s *shop) listReviews(w http.ResponseWriter, r *http.Request, _ *user) error {
	p, err := s.product(r)
	if err != nil {
		return err
	}
	list := []review{}
	for _, x := range s.reviews {
		if x.product != p.ID {
			continue
		}
		y := *x
		if u := s.user(x.owner); s.flaws["exposure-review-email"] && u != nil {
			y.AuthorEmail = u.Email
		}
		list = append(list, y)
	}
	ok(w, http.StatusOK, list)
	return nil
}

type reviewIn struct {
	Text  string `json:"text"`
	Stars int    `json:"stars"`
}

func (in reviewIn) valid() bool {
	return in.Text != "" && !long(in.Text, 500) && in.Stars >= 1 && in.Stars <= 5
}

func (s *shop) createReview(w http.ResponseWriter, r *http.Request, u *user) error {
	p, err := s.product(r)
	if err != nil {
		return err
	}
	var in reviewIn
	if err := read(r, &in); err != nil {
		return err
	}
	if !in.valid() || len(s.reviews) > 5000 {
		return errInvalid
	}
	x := &review{ID: s.next(), Text: in.Text, Stars: in.Stars, Author: u.Name, owner: u.ID, product: p.ID}
	s.reviews = append(s.reviews, x)
	ok(w, http.StatusCreated, x)
	return nil
}

func (s *shop) review(r *http.Request, u *user, flaw string) (*review, error) {
	id, p := number(r.PathValue("review")), number(r.PathValue("product"))
	i := slices.IndexFunc(s.reviews, func(x *review) bool { return x.ID == id && x.product == p })
	if i < 0 {
		return nil, errNotFound
	}
	if s.reviews[i].owner != u.ID && !s.flaws[flaw] {
		return nil, fault{http.StatusForbidden, "that review is not yours"}
	}
	return s.reviews[i], nil
}

func (s *shop) updateReview(w http.ResponseWriter, r *http.Request, u *user) error {
	x, err := s.review(r, u, "review-update")
	if err != nil {
		return err
	}
	var in reviewIn
	if err := read(r, &in); err != nil {
		return err
	}
	if !in.valid() {
		return errInvalid
	}
	x.Text, x.Stars = in.Text, in.Stars
	ok(w, http.StatusOK, x)
	return nil
}

func (s *shop) deleteReview(w http.ResponseWriter, r *http.Request, u *user) error {
	x, err := s.review(r, u, "review-delete")
	if err != nil {
		return err
	}
	s.reviews = slices.DeleteFunc(s.reviews, func(y *review) bool { return x == y })
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *shop) listAddresses(w http.ResponseWriter, _ *http.Request, u *user) error {
	list := []*address{}
	for _, a := range s.addresses {
		if a.owner == u.ID {
			list = append(list, a)
		}
	}
	ok(w, http.StatusOK, list)
	return nil
}

type addressIn struct {
	Street string `json:"street"`
	City   string `json:"city"`
}

func (in addressIn) valid() bool {
	return in.Street != "" && !long(in.Street, 100) && in.City != "" && !long(in.City, 60)
}

func (s *shop) createAddress(w http.ResponseWriter, r *http.Request, u *user) error {
	var in addressIn
	if err := read(r, &in); err != nil {
		return err
	}
	if !in.valid() || len(s.addresses) > 5000 {
		return errInvalid
	}
	a := &address{uuid(), in.Street, in.City, u.ID}
	s.addresses = append(s.addresses, a)
	ok(w, http.StatusCreated, a)
	return nil
}

func (s *shop) address(r *http.Request, u *user, flaw string) (*address, error) {
	i := slices.IndexFunc(s.addresses, func(a *address) bool { return a.ID == r.PathValue("address") })
	if i < 0 || s.addresses[i].owner != u.ID && !s.flaws[flaw] {
		return nil, errNotFound
	}
	return s.addresses[i], nil
}

func (s *shop) getAddress(w http.ResponseWriter, r *http.Request, u *user) error {
	a, err := s.address(r, u, "address-read")
	if err != nil {
		return err
	}
	ok(w, http.StatusOK, a)
	return nil
}

func (s *shop) updateAddress(w http.ResponseWriter, r *http.Request, u *user) error {
	a, err := s.address(r, u, "address-update")
	if err != nil {
		return err
	}
	var in addressIn
	if err := read(r, &in); err != nil {
		return err
	}
	if !in.valid() {
		return errInvalid
	}
	a.Street, a.City = in.Street, in.City
	ok(w, http.StatusOK, a)
	return nil
}

func (s *shop) deleteAddress(w http.ResponseWriter, r *http.Request, u *user) error {
	a, err := s.address(r, u, "address-delete")
	if err != nil {
		return err
	}
	s.addresses = slices.DeleteFunc(s.addresses, func(x *address) bool { return x == a })
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// listWishlists are one's own, and those that others share.
func (s *shop) listWishlists(w http.ResponseWriter, _ *http.Request, u *user) error {
	list := []*wishlist{}
	for _, x := range s.lists {
		if x.owner == u.ID || x.Shared {
			list = append(list, x)
		}
	}
	ok(w, http.StatusOK, list)
	return nil
}

func (s *shop) createWishlist(w http.ResponseWriter, r *http.Request, u *user) error {
	var in struct {
		Title  string `json:"title"`
		Shared bool   `json:"shared"`
	}
	if err := read(r, &in); err != nil {
		return err
	}
	if in.Title == "" || long(in.Title, 60) || len(s.lists) > 5000 {
		return errInvalid
	}
	x := &wishlist{uuid(), in.Title, in.Shared, u.ID}
	s.lists = append(s.lists, x)
	ok(w, http.StatusCreated, x)
	return nil
}

func (s *shop) wishlist(r *http.Request, u *user) (*wishlist, error) {
	i := slices.IndexFunc(s.lists, func(x *wishlist) bool { return x.ID == r.PathValue("wishlist") })
	if i < 0 || s.lists[i].owner != u.ID && !s.lists[i].Shared {
		return nil, errNotFound
	}
	return s.lists[i], nil
}

func (s *shop) getWishlist(w http.ResponseWriter, r *http.Request, u *user) error {
	x, err := s.wishlist(r, u)
	if err != nil {
		return err
	}
	ok(w, http.StatusOK, x)
	return nil
}

func (s *shop) deleteWishlist(w http.ResponseWriter, r *http.Request, u *user) error {
	x, err := s.wishlist(r, u)
	if err != nil {
		return err
	}
	if x.owner != u.ID {
		return fault{http.StatusForbidden, "that list is not yours"}
	}
	s.lists = slices.DeleteFunc(s.lists, func(y *wishlist) bool { return x == y })
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// stock answers the same to everybody who is logged in.
func (s *shop) stock(w http.ResponseWriter, _ *http.Request, _ *user) error {
	ok(w, http.StatusOK, map[string]any{"teapots": 14, "kettles": 3, "mugs": 120})
	return nil
}
