// A small JSON API on Buffalo; the routes are described in ../README.md.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/buffalo/render"
	"github.com/gobuffalo/logger"
	"github.com/gobuffalo/validate/v3"
	"github.com/gobuffalo/validate/v3/validators"
	"github.com/gorilla/sessions"
	"golang.org/x/sys/unix"
)

const (
	maxMillis = 10_000
	maxCount  = 9999
	// Buffalo's module knows no version of its own at run time; go.mod pins this one.
	version = "1.1.4"
)

var (
	processID = newProcessID()
	requests  atomic.Uint64
	tags      = [...]string{"new", "sale", "eco", "bulk", "local", "gift", "spare"}
	r         = render.New(render.Options{DefaultContentType: "application/json"})
)

type object map[string]any

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
	Name     string   `json:"name"`
	Quantity int      `json:"quantity"`
	Tags     []string `json:"tags"`
}

func (o *order) validate() *validate.Errors {
	return validate.Validate(
		&validators.StringLengthInRange{Name: "name", Field: o.Name, Min: 1, Max: 100},
		&validators.IntIsGreaterThan{Name: "quantity", Field: o.Quantity, Compared: 0},
		&validators.IntIsLessThan{Name: "quantity", Field: o.Quantity, Compared: 1001},
		&validators.IntIsLessThan{Name: "tags", Field: len(o.Tags), Compared: 11},
	)
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

// noSessions keeps none: the API has no state.
type noSessions struct{}

func (s noSessions) Get(req *http.Request, name string) (*sessions.Session, error) {
	return s.New(req, name)
}

func (s noSessions) New(_ *http.Request, name string) (*sessions.Session, error) {
	return sessions.NewSession(s, name), nil
}

func (noSessions) Save(*http.Request, http.ResponseWriter, *sessions.Session) error {
	return nil
}

// processHeaders tells which process answered, and how many requests it has seen.
func processHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("x-process-id", processID)
		w.Header().Set("x-request-count", strconv.FormatUint(requests.Add(1), 10))
		next.ServeHTTP(w, req)
	})
}

func health(c buffalo.Context) error {
	return c.Render(http.StatusOK, r.JSON(object{"status": "ok"}))
}

func hello(c buffalo.Context) error {
	return c.Render(http.StatusOK, r.JSON(greeting{Message: "hello", Framework: "buffalo", Version: version}))
}

// decimal reads an unsigned decimal number of at most digits digits.
func decimal(text string, digits int) (int64, bool) {
	if text == "" || len(text) > digits || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

var errBadCount = errors.New("bad count")

func count(c buffalo.Context) (int64, error) {
	text := c.Param("count")
	n, ok := decimal(text, 4)
	if !ok || text[0] == '0' {
		return 0, c.Error(http.StatusBadRequest, errBadCount)
	}
	return n, nil
}

func items(c buffalo.Context) error {
	text := c.Param("id")
	id, ok := decimal(text, 7)
	if !ok || text[0] == '0' || id > 1_000_000 {
		return c.Error(http.StatusNotFound, errors.New("no such item"))
	}
	n := int64(20)
	if c.Request().URL.Query().Has("count") {
		var err error
		if n, err = count(c); err != nil {
			return err
		}
	}
	list := listing{ID: id, Count: n, Items: make([]item, n)}
	for i := range list.Items {
		list.Items[i] = newItem(id, int64(i+1))
	}
	return c.Render(http.StatusOK, r.JSON(list))
}

func echo(c buffalo.Context) error {
	var body order
	if err := c.Bind(&body); err != nil {
		return c.Render(http.StatusUnprocessableEntity, r.JSON(object{"error": "invalid body", "details": err.Error()}))
	}
	if problems := body.validate(); problems.HasAny() {
		return c.Render(http.StatusUnprocessableEntity, r.JSON(object{"error": "invalid body", "details": problems.Errors}))
	}
	if body.Tags == nil {
		body.Tags = []string{}
	}
	return c.Render(http.StatusOK, r.JSON(body))
}

func validateOrders(c buffalo.Context) error {
	var orders []order
	if err := c.Bind(&orders); err != nil {
		return c.Render(http.StatusUnprocessableEntity, r.JSON(object{"error": "invalid body", "details": err.Error()}))
	}
	problems := validate.Validate(
		&validators.IntIsGreaterThan{Name: "orders", Field: len(orders), Compared: 0},
		&validators.IntIsLessThan{Name: "orders", Field: len(orders), Compared: maxCount + 1},
	)
	for i := range orders {
		problems.Append(orders[i].validate())
	}
	if problems.HasAny() {
		return c.Render(http.StatusUnprocessableEntity, r.JSON(object{"error": "invalid body", "details": problems.Errors}))
	}
	return c.Render(http.StatusOK, r.JSON(newTotals(orders)))
}

func template(c buffalo.Context) error {
	n, err := count(c)
	if err != nil {
		return err
	}
	return c.Render(http.StatusOK, r.Func("text/html; charset=utf-8", func(w io.Writer, _ render.Data) error {
		_, err := io.WriteString(w, newPage(n))
		return err
	}))
}

func compute(c buffalo.Context) error {
	n, err := count(c)
	if err != nil {
		return err
	}
	return c.Render(http.StatusOK, r.JSON(newSummary(n)))
}

var errBadMillis = errors.New("bad ms")

func milliseconds(c buffalo.Context) (int64, error) {
	text := c.Param("ms")
	ms, ok := decimal(text, 5)
	if !ok || ms > maxMillis || (len(text) == 5 && ms != maxMillis) {
		return 0, c.Error(http.StatusBadRequest, errBadMillis)
	}
	return ms, nil
}

func threadCPU() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}

func cpu(c buffalo.Context) error {
	ms, err := milliseconds(c)
	if err != nil {
		return err
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
	return c.Render(http.StatusOK, r.JSON(object{"cpu_ms": ms}))
}

func wait(c buffalo.Context) error {
	ms, err := milliseconds(c)
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(ms) * time.Millisecond)
	return c.Render(http.StatusOK, r.JSON(object{"io_ms": ms}))
}

// failed answers every error with an object that has the key error.
func failed(status int, err error, c buffalo.Context) error {
	text := strings.ToLower(http.StatusText(status))
	switch {
	case errors.Is(err, errBadCount), errors.Is(err, errBadMillis):
		text = err.Error()
	case status >= 500:
		log.Print(err)
	}
	return c.Render(status, r.JSON(object{"error": text}))
}

func main() {
	// No request log.
	buffalo.RequestLogger = func(next buffalo.Handler) buffalo.Handler { return next }
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	app := buffalo.New(buffalo.Options{
		Env:                   "production",
		Addr:                  "0.0.0.0:" + port,
		LogLvl:                logger.ErrorLevel,
		SessionStore:          noSessions{},
		WorkerOff:             true,
		TimeoutSecondShutdown: 8,
		PreWares:              []buffalo.PreWare{processHeaders},
	})
	app.ErrorHandlers.Default(failed)
	for _, status := range []int{http.StatusNotFound, http.StatusInternalServerError} {
		app.ErrorHandlers[status] = failed
	}
	app.GET("/healthz", health)
	app.GET("/json", hello)
	app.GET("/items/{id}", items)
	app.POST("/echo", echo)
	app.POST("/validate", validateOrders)
	app.GET("/template", template)
	app.GET("/compute", compute)
	app.GET("/cpu", cpu)
	app.GET("/io", wait)
	if err := app.Serve(); err != nil {
		log.Fatal(err)
	}
}
