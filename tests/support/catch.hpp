// Catch2, version 2 or 3, whichever the machine has, and how it prints our results.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>  // IWYU pragma: export
using Catch::Approx;
#else
#include <catch2/catch.hpp>  // IWYU pragma: export
#endif

#include "core/error.hpp"

/// A failed REQUIRE(result) shows the error's own text. (Boost's operator<< would need one for every T.)
template <class T>
struct Catch::StringMaker<boost::system::result<T, obsctl::core::Error>> {
  static std::string convert(const boost::system::result<T, obsctl::core::Error>& result) {
    return result.has_value() ? "a value" : "error: " + to_string(result.error());
  }
};
