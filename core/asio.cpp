// Boost.Asio and Beast, compiled once for the whole program (BOOST_ASIO_SEPARATE_COMPILATION): the other
// files only see declarations, which saves most of their compile time.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
