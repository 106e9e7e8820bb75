// A small JSON API on Echo; the routes are described in ../README.md.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
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

	"github.com/go-playground/validator/v10"
	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
	"golang.org/x/sys/unix"
)

const maxMillis = 10_000

var (
	processID = newProcessID()
	requests  atomic.Uint64
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

// structValidator makes go-playground's validator Echo's.
type structValidator struct{ validate *validator.Validate }

func (v structValidator) Validate(i any) error {
	return v.validate.Struct(i)
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

func processHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		header := c.Response().Header()
		header.Set("x-process-id", processID)
		header.Set("x-request-count", strconv.FormatUint(requests.Add(1), 10))
		return next(c)
	}
}

func health(c *echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}

func hello(c *echo.Context) error {
	return c.JSON(http.StatusOK, greeting{Message: "hello", Framework: "echo", Version: echo.Version})
}

// decimal reads an unsigned decimal number of at most digits digits.
func decimal(text string, digits int) (int64, bool) {
	if text == "" || len(text) > digits || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

var errBadCount = echo.NewHTTPError(http.StatusBadRequest, "bad count")

func count(text string) (int64, error) {
	n, ok := decimal(text, 4)
	if !ok || text[0] == '0' {
		return 0, errBadCount
	}
	return n, nil
}

func items(c *echo.Context) error {
	text := c.Param("id")
	id, ok := decimal(text, 7)
	if !ok || text[0] == '0' || id > 1_000_000 {
		return echo.ErrNotFound
	}
	n := int64(20)
	if c.QueryParams().Has("count") {
		var err error
		if n, err = count(c.QueryParam("count")); err != nil {
			return err
		}
	}
	list := listing{ID: id, Count: n, Items: make([]item, n)}
	for i := range list.Items {
		list.Items[i] = newItem(id, int64(i+1))
	}
	return c.JSON(http.StatusOK, list)
}

func echoBody(c *echo.Context) error {
	var body order
	err := c.Bind(&body)
	if err == nil {
		err = c.Validate(&body)
	}
	if err != nil {
		return c.JSON(http.StatusUnprocessableEntity, map[string]string{"error": "invalid body", "details": err.Error()})
	}
	if body.Tags == nil {
		body.Tags = []string{}
	}
	return c.JSON(http.StatusOK, body)
}

func validateOrders(c *echo.Context) error {
	var body batch
	err := c.Bind(&body.Orders)
	if err == nil {
		err = c.Validate(&body)
	}
	if err != nil {
		return c.JSON(http.StatusUnprocessableEntity, map[string]string{"error": "invalid body", "details": err.Error()})
	}
	return c.JSON(http.StatusOK, newTotals(body.Orders))
}

func template(c *echo.Context) error {
	n, err := count(c.QueryParam("count"))
	if err != nil {
		return err
	}
	return c.HTML(http.StatusOK, newPage(n))
}

func compute(c *echo.Context) error {
	n, err := count(c.QueryParam("count"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, newSummary(n))
}

var errBadMillis = echo.NewHTTPError(http.StatusBadRequest, "bad ms")

func milliseconds(c *echo.Context) (int64, error) {
	text := c.QueryParam("ms")
	ms, ok := decimal(text, 5)
	if !ok || ms > maxMillis || (len(text) == 5 && ms != maxMillis) {
		return 0, errBadMillis
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

func cpu(c *echo.Context) error {
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
	return c.JSON(http.StatusOK, map[string]int64{"cpu_ms": ms})
}

func wait(c *echo.Context) error {
	ms, err := milliseconds(c)
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(ms) * time.Millisecond)
	return c.JSON(http.StatusOK, map[string]int64{"io_ms": ms})
}

// failed answers every error with an object that has the key error.
func failed(c *echo.Context, err error) {
	status := echo.StatusCode(err)
	text := "internal error"
	var known *echo.HTTPError
	switch {
	case status == http.StatusNotFound:
		text = "not found"
	case errors.As(err, &known):
		text = known.Message
	case status >= 400 && status < 500:
		text = strings.ToLower(http.StatusText(status))
	default:
		status = http.StatusInternalServerError
		log.Print(err)
	}
	if err := c.JSON(status, map[string]string{"error": text}); err != nil {
		log.Print(err)
	}
}

func main() {
	e := echo.New()
	e.Validator = structValidator{validator.New(validator.WithRequiredStructEnabled())}
	e.HTTPErrorHandler = failed
	// Before routing, so that unknown paths count too.
	e.Pre(processHeaders)
	e.Use(middleware.Recover())
	e.GET("/healthz", health)
	e.GET("/json", hello)
	e.GET("/items/:id", items)
	e.POST("/echo", echoBody)
	e.POST("/validate", validateOrders)
	e.GET("/template", template)
	e.GET("/compute", compute)
	e.GET("/cpu", cpu)
	e.GET("/io", wait)

	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	config := echo.StartConfig{
		Address:         "0.0.0.0:" + port,
		HideBanner:      true,
		HidePort:        true,
		GracefulTimeout: 8 * time.Second,
	}
	if err := config.Start(stop, e); err != nil {
		log.Fatal(err)
	}
}
