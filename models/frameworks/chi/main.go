// A small JSON API on Chi; the routes are described in ../README.md.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-playground/validator/v10"
	"golang.org/x/sys/unix"
)

const (
	maxMillis = 10_000
	// Chi's module knows no version of its own at run time; go.mod pins this one.
	version = "5.5.0"
)

var (
	processID = newProcessID()
	requests  atomic.Uint64
	validate  = validator.New(validator.WithRequiredStructEnabled())
	tags      = [...]string{"new", "sale", "eco", "bulk", "local", "gift", "spare"}
)

type greeting struct {
	Message   string `json:"message"`
	Framework string `json:"framework"`
	Version   string `json:"version"`
}

type item struct {
	ID      int64     `json:"id"`
	Name    string    `json:"name"`
	Price   string    `json:"price"`
	Created time.Time `json:"created"`
	Tags    []string  `json:"tags"`
	Stock   stock     `json:"stock"`
}

type stock struct {
	Warehouse string `json:"warehouse"`
	Quantity  int64  `json:"quantity"`
}

type listing struct {
	ID    int64  `json:"id"`
	Count int64  `json:"count"`
	Items []item `json:"items"`
}

type order struct {
	Name     string   `json:"name" validate:"required,min=1,max=100"`
	Quantity int      `json:"quantity" validate:"required,min=1,max=1000"`
	Tags     []string `json:"tags" validate:"max=10"`
}

type batch struct {
	Orders []order `validate:"min=1,max=9999,dive"`
}

type failure struct {
	Error   string `json:"error"`
	Details string `json:"details,omitempty"`
}

func newProcessID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func newItem(id, k int64) item {
	cents := (id*37+k*1009)%100_000 + 100
	created := 1_767_225_600 + (id*7919+k*3600)%31_536_000
	return item{
		ID:      id*1000 + k,
		Name:    fmt.Sprintf("item %d-%d", id, k),
		Price:   strconv.FormatFloat(float64(cents)/100, 'f', 2, 64),
		Created: time.Unix(created, 0).UTC(),
		Tags:    []string{tags[(id+k)%7], tags[(id+k+1+k%5)%7]},
		Stock: stock{
			Warehouse: "w" + strconv.FormatInt((id+k)%9+1, 10),
			Quantity:  (id*13 + k*7) % 500,
		},
	}
}

func processHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-process-id", processID)
		w.Header().Set("x-request-count", strconv.FormatUint(requests.Add(1), 10))
		next.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Print(err)
	}
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusNotFound, failure{Error: "not found"})
}

func health(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

func hello(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, greeting{Message: "hello", Framework: "chi", Version: version})
}

// decimal reads an unsigned decimal number of at most digits digits.
func decimal(text string, digits int) (int64, bool) {
	if text == "" || len(text) > digits || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// count answers 400 and returns false unless ?count= is acceptable.
func count(w http.ResponseWriter, r *http.Request) (int64, bool) {
	text := r.URL.Query().Get("count")
	n, ok := decimal(text, 4)
	if !ok || text[0] == '0' {
		answer(w, http.StatusBadRequest, failure{Error: "bad count"})
		return 0, false
	}
	return n, true
}

func items(w http.ResponseWriter, r *http.Request) {
	text := chi.URLParam(r, "id")
	id, ok := decimal(text, 7)
	if !ok || text[0] == '0' || id > 1_000_000 {
		notFound(w, r)
		return
	}
	n := int64(20)
	if r.URL.Query().Has("count") {
		if n, ok = count(w, r); !ok {
			return
		}
	}
	list := listing{ID: id, Count: n, Items: make([]item, n)}
	for i := range list.Items {
		list.Items[i] = newItem(id, int64(i+1))
	}
	answer(w, http.StatusOK, list)
}

// invalid answers 422 and returns true if there is an error.
func invalid(w http.ResponseWriter, err error) bool {
	if err != nil {
		answer(w, http.StatusUnprocessableEntity, failure{Error: "invalid body", Details: err.Error()})
	}
	return err != nil
}

func echo(w http.ResponseWriter, r *http.Request) {
	var body order
	if invalid(w, json.NewDecoder(r.Body).Decode(&body)) || invalid(w, validate.Struct(&body)) {
		return
	}
	if body.Tags == nil {
		body.Tags = []string{}
	}
	answer(w, http.StatusOK, body)
}

func validateOrders(w http.ResponseWriter, r *http.Request) {
	var body batch
	if invalid(w, json.NewDecoder(r.Body).Decode(&body.Orders)) || invalid(w, validate.Struct(&body)) {
		return
	}
	answer(w, http.StatusOK, newTotals(body.Orders))
}

func template(w http.ResponseWriter, r *http.Request) {
	n, ok := count(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if _, err := io.WriteString(w, newPage(n)); err != nil {
		log.Print(err)
	}
}

func compute(w http.ResponseWriter, r *http.Request) {
	if n, ok := count(w, r); ok {
		answer(w, http.StatusOK, newSummary(n))
	}
}

// milliseconds answers 400 and returns false unless ?ms= is acceptable.
func milliseconds(w http.ResponseWriter, r *http.Request) (int64, bool) {
	text := r.URL.Query().Get("ms")
	ms, ok := decimal(text, 5)
	if !ok || ms > maxMillis || (len(text) == 5 && ms != maxMillis) {
		answer(w, http.StatusBadRequest, failure{Error: "bad ms"})
		return 0, false
	}
	return ms, true
}

func threadCPU() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}

func cpu(w http.ResponseWriter, r *http.Request) {
	ms, ok := milliseconds(w, r)
	if !ok {
		return
	}
	// The clock is the thread's, so the goroutine must not move.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	x := uint64(1)
	for end := threadCPU() + time.Duration(ms)*time.Millisecond; threadCPU() < end; {
		for range 2000 {
			x = x * 48271 % 2147483647
		}
	}
	runtime.KeepAlive(x)
	answer(w, http.StatusOK, map[string]int64{"cpu_ms": ms})
}

func wait(w http.ResponseWriter, r *http.Request) {
	ms, ok := milliseconds(w, r)
	if !ok {
		return
	}
	time.Sleep(time.Duration(ms) * time.Millisecond)
	answer(w, http.StatusOK, map[string]int64{"io_ms": ms})
}

func main() {
	router := chi.NewRouter()
	router.Use(processHeaders, middleware.Recoverer)
	router.NotFound(notFound)
	router.MethodNotAllowed(notFound)
	router.Get("/healthz", health)
	router.Get("/json", hello)
	router.Get("/items/{id}", items)
	router.Post("/echo", echo)
	router.Post("/validate", validateOrders)
	router.Get("/template", template)
	router.Get("/compute", compute)
	router.Get("/cpu", cpu)
	router.Get("/io", wait)

	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	server := &http.Server{
		Addr:              "0.0.0.0:" + port,
		Handler:           router,
		ReadHeaderTimeout: 10 * time.Second,
	}

	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-stop.Done()
		limit, cancel := context.WithTimeout(context.Background(), 8*time.Second)
		defer cancel()
		if err := server.Shutdown(limit); err != nil {
			log.Print(err)
		}
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	<-done
}
