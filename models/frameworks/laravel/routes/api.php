<?php

declare(strict_types=1);

use App\Api;
use App\Work;
use Illuminate\Support\Facades\Route;

Route::get('/healthz', [Api::class, 'healthz']);
Route::get('/json', [Api::class, 'hello']);
Route::get('/items/{id}', [Api::class, 'items'])->where('id', '[1-9][0-9]{0,5}|1000000');
Route::post('/echo', [Api::class, 'echo']);
Route::post('/validate', [Work::class, 'validate']);
Route::get('/template', [Work::class, 'template']);
Route::get('/compute', [Work::class, 'compute']);
Route::get('/cpu', [Api::class, 'cpu']);
Route::get('/io', [Api::class, 'wait']);
